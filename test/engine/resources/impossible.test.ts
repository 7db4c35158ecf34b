import os from "node:os";
import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";
import { startAppOn } from "../../support/servers/app.js";

const GPU = { id: "gpu_1", type: "gpu", capacity: { units: 2 } } as const;
const cores = os.availableParallelism();

describe.each(BACKENDS)("resources that no claim could allocate on %s", (backend) => {
  async function lab() {
    const app = await startAppOn(backend);
    await app.call("create_project", { name: "demo", root: app.cwd });
    await app.call("register_resource", GPU);
    return { app, call: app.call, crew: new Crew(app) };
  }

  test("are warned of when a plan is validated or started and when a task is created, each with what there is", async () => {
    const { call } = await lab();
    const prompt = "do it";
    const steps = [
      { key: "many", prompt, resources: { gpu_1: { units: 3 } } },
      { key: "too", prompt, resources: { gpu_1: { units: 3 } } },
      { key: "unit", prompt, resources: { gpu_1: { cores: 1 } } },
      { key: "oven", prompt, resources: { oven: { trays: 1 } } },
      { key: "cpu", prompt, resources: { cpu: { cores: cores + 1 } } },
      { key: "fits", prompt, resources: { gpu_1: { units: 2 }, cpu: { cores: 1 } } },
    ];
    const until = "no claim takes it before register_resource makes that known";
    const warnings = [
      `many, too require 3 units of gpu_1, and there are 2: ${until}`,
      `unit requires gpu_1 in cores, though it is measured in units: ${until}`,
      `oven requires oven, which is not known: ${until}`,
      `cpu requires ${cores + 1} cores of cpu, and no machine that is known has more than ${cores}: ${until}`,
    ];
    const definition = { name: "w", steps };
    expect(await call("validate_workflow", { definition, project: "demo" })).toMatchObject({ valid: true, warnings });
    expect((await call("execute_workflow", { definition, project: "demo" })).warnings).toEqual(warnings);
    const create = (resources: object) =>
      call("create_task", { project: "demo", key: "bake", title: "Bake", prompt, resources: { ...resources } });
    expect((await create({ oven: { trays: 1 } })).warnings).toEqual([warnings[2]?.replace("oven", "bake")]);
    await call("register_resource", { id: "oven", type: "custom", capacity: { trays: 1 } });
    expect((await call("validate_workflow", { definition, project: "demo" })).warnings).not.toContain(warnings[2]);
  });

  test("are the reason that get_run names beside a ready task, and others of its run have none", async () => {
    const { call, crew } = await lab();
    const { run } = await crew.start([{ key: "large", resources: { gpu_1: { units: 3 } } }, { key: "plain" }], {
      project: "demo",
    });
    const { ready } = await call("get_run", { run: run.id });
    expect(ready).toMatchObject([
      {
        key: "large",
        claimable: false,
        reasons: [{ kind: "resources", detail: "it requires 3 units of gpu_1, more than there is" }],
      },
      { key: "plain" },
    ]);
    expect(ready[1]).not.toHaveProperty("reasons");
  });

  test("a claim lists what its task was given, under the names of the resources, and so does one that goes on with it", async () => {
    const { call, crew } = await lab();
    const { run } = await crew.start([{ key: "train", resources: { gpu_1: { units: 2 }, cpu: { cores: 0.5 } } }], {
      project: "demo",
    });
    const [cpu = ""] = (await call("list_resources", {})).resources.flatMap(({ id, type }) =>
      type === "cpu" ? id : [],
    );
    const resources = { gpu_1: { units: 2 }, [cpu]: { cores: 0.5 } };
    expect(await crew.claim("ann", { run: run.id })).toMatchObject({ outcome: "claimed", task: { resources } });
    expect(await crew.claim("ann", { run: run.id })).toMatchObject({ resumed: true, task: { resources } });
    const plain = await crew.start([{ key: "plain" }], { project: "demo" });
    expect((await crew.claim("ben", { run: plain.run.id })).task).not.toHaveProperty("resources");
  });
});
