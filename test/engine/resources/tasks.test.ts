import { describe, expect, test } from "vitest";
import { BACKENDS, testRuntime } from "../../support/databases/databases.js";
import { Checker, findingsText } from "../../support/checker/checker.js";
import { Crew } from "../../support/fixtures/plan.js";
import { startApp, startAppOn } from "../../support/servers/app.js";

const GPU = { id: "gpu_1", type: "gpu", capacity: { units: 2 } } as const;

describe.each(BACKENDS)("the resources of tasks on %s", (backend) => {
  async function lab() {
    const app = await startAppOn(backend);
    await app.call("create_project", { name: "demo", root: app.cwd });
    await app.call("register_resource", GPU);
    const crew = new Crew(app);
    const begin = async (...steps: { key: string; units?: number; priority?: string }[]) =>
      (
        await crew.start(
          steps.map(({ units, ...step }) => ({ ...step, ...(units && { resources: { gpu_1: { units } } }) })),
          { project: "demo" },
        )
      ).run.id;
    const claim = (agent: string, run: string) => app.call("claim_task", { agent, run, fresh: true });
    const free = async () => {
      const gpu = (await app.call("list_resources", {})).resources.find(({ id }) => id === "gpu_1");
      return (gpu?.capacity["units"] ?? 0) - (gpu?.allocated["units"] ?? 0);
    };
    const check = async () =>
      expect(findingsText(await new Checker(await app.app.store()).findings({ at: app.clock.now() }))).toBe("");
    return { app, call: app.call, crew, begin, claim, free, check };
  }

  test("are taken with the claim, which says what is missing and who has it, and freed with the attempt", async () => {
    const { call, crew, begin, claim, free, check } = await lab();
    const run = await begin({ key: "train", units: 2 }, { key: "tune", units: 1 });
    const train = await crew.take("ann", { run });
    expect(await free()).toBe(0);
    await check();
    const none = await claim("ben", run);
    expect(none).toMatchObject({ outcome: "none", reason: "resources" });
    expect(none.detail).toBe("tune requires 1 units of gpu_1, and 0 are free, held by ann");
    expect(await call("check_task_ready", { task: `${run}/tune`, agent: "ben" })).toMatchObject({
      ready: true,
      claimable: false,
      reasons: [{ kind: "resources", blocking: [train.id] }],
    });
    await expect(call("deallocate_resources", { agent: "ann", allocation: "allocation_0" })).rejects.toMatchObject({
      code: "not_found",
    });
    await crew.complete(train);
    expect(await free()).toBe(2);
    const tune = await crew.take("ben", { run });
    expect(await free()).toBe(1);
    await call("fail_task", { agent: "ben", task: tune.id, token: tune.token, error: { type: "Odd", message: "no" } });
    expect(await free()).toBe(2);
    await check();
  });

  test("stay with a task that is handed over, and are freed by its new holder", async () => {
    const { call, crew, begin, claim, free, check } = await lab();
    const run = await begin({ key: "train", units: 2 });
    await call("register_agent", { name: "ben" });
    const { id: task, token } = await crew.take("ann", { run });
    const { handoff } = await call("request_handoff", { task, token, agent: "ann", to: "ben", reason: "tired" });
    const taken = await call("respond_handoff", { agent: "ben", handoff: handoff.id, accept: true });
    expect(await free()).toBe(0);
    await check();
    await crew.complete({ id: task, token: taken.lease!.token });
    expect(await free()).toBe(2);
    expect(await claim("ann", run)).toMatchObject({ outcome: "none" });
  });

  test("are added up where a task requires two names of one, and it is not claimed where the sum does not fit", async () => {
    const { call, crew, check } = await lab();
    const { id: cpu, capacity } = (await call("list_resources", {})).resources.find(({ type }) => type === "cpu")!;
    const all = capacity["cores"]!;
    const both = (cores: number) => ({ cpu: { cores }, [cpu]: { cores: all / 2 } });
    const { run } = await crew.start([
      { key: "large", priority: "high", resources: both(all) },
      { key: "fits", resources: both(all / 2) },
    ]);
    expect((await crew.take("ann", { run: run.id })).key).toBe("fits");
    await check();
    await call("register_agent", { name: "ben" });
    const held = (await call("list_resources", {})).resources.find(({ id }) => id === cpu);
    expect(held).toMatchObject({ allocated: { cores: all } });
    expect(await call("check_task_ready", { task: `${run.id}/large`, agent: "ben" })).toMatchObject({
      reasons: [{ kind: "resources", detail: expect.stringContaining(`requires ${1.5 * all} cores`) }],
    });
  });

  test("are free again when the run goes back to before they were taken, their agent is taken out, or the task is cancelled", async () => {
    const { app, call, crew, begin, free, check } = await lab();
    const run = await begin({ key: "first" }, { key: "train", units: 2 });
    const { checkpoint } = await call("create_checkpoint", { run });
    await crew.complete(await crew.take("ann", { run }));
    await crew.take("ben", { run });
    expect(await free()).toBe(0);
    await call("resume_from_checkpoint", { checkpoint: checkpoint.id });
    expect(await free()).toBe(2);
    await crew.complete(await crew.take("ann", { run }));
    await crew.take("ben", { run });
    expect(await free()).toBe(0);
    await call("unregister_agent", { agent: "ben" });
    expect(await free()).toBe(2);
    const { id } = await crew.take("ann", { run });
    await call("cancel_task", { task: id });
    await app.advance(3_600_000);
    expect(await free()).toBe(2);
    await check();
  });

  test("stay required by a task whose title alone is changed, and so do the agents that it is not for, or first for", async () => {
    const { call, crew } = await lab();
    const resources = { gpu_1: { units: 2 } };
    const takers = { not_by: ["train"], prefer_by: ["plan"] };
    const { run } = await crew.start([{ key: "train", resources }, { key: "plan" }, { key: "check", ...takers }]);
    const changes = ["train", "check"].map((task) => ({ op: "update_task" as const, task, set: { title: "Another" } }));
    await call("modify_run", { run: run.id, changes });
    const train = await call("get_task", { task: `${run.id}/train` });
    expect(train).toMatchObject({ task: { title: "Another" }, spec: { resources } });
    expect((await call("get_task", { task: `${run.id}/check` })).spec).toMatchObject(takers);
    await call("allocate_resources", { agent: "eve", requirements: { gpu_1: { units: 1 } } });
    expect((await crew.take("ann", { run: run.id })).key).not.toBe("train");
    expect(await call("check_task_ready", { task: train.task.id, agent: "ann" })).toMatchObject({
      reasons: expect.arrayContaining([expect.objectContaining({ kind: "resources" })]),
    });
  });

  test("are required by a task that create_task makes, and a wrong form is refused with its place", async () => {
    const { call, crew, free, check } = await lab();
    const alone = (resources: Record<string, unknown>) =>
      call("create_task", { project: "demo", title: "Train", prompt: "p", resources });
    const { task } = await alone({ gpu_1: { units: 2 } });
    expect((await call("get_task", { task: task.id })).spec).toMatchObject({ resources: { gpu_1: { units: 2 } } });
    const held = await crew.take("ann", {});
    expect([held.id, await free()]).toEqual([task.id, 0]);
    await check();
    for (const wrong of [{ gpu_1: 2 }, { gpu_1: { units: -1 } }, { "gpu 1": { units: 1 } }])
      await expect(alone(wrong)).rejects.toMatchObject({
        code: "invalid_input",
        details: { problems: [expect.objectContaining({ path: expect.stringContaining("resources") })] },
      });
  });

  test("leave other tasks alone, and a large one keeps what it requires from small ones that come after it", async () => {
    const { call, crew, begin, free, check } = await lab();
    await call("allocate_resources", { agent: "eve", requirements: { gpu_1: { units: 1 } } });
    const run = await begin({ key: "large", units: 2, priority: "high" }, { key: "small", units: 1 }, { key: "plain" });
    expect((await crew.take("ann", { run })).key).toBe("plain");
    expect(await free()).toBe(1);
    await call("deallocate_resources", { agent: "eve" });
    expect((await crew.take("ben", { run })).key).toBe("large");
    await check();
  });

  test("wait behind a request in line for the same, and are never given out twice by processes at once", async () => {
    const { app, call, crew, begin, free, check } = await lab();
    const run = await begin(...Array.from({ length: 6 }, (_, at) => ({ key: `t${at}`, units: 1 })));
    const runtime = testRuntime(2);
    const storeHooks = { now: () => app.clock.now() };
    const other = await startApp({ database: app.database, cwd: app.cwd, runtime, storeHooks });
    const claims = await Promise.all(
      Array.from({ length: 6 }, (_, at) => (at % 2 === 0 ? app : other).call("claim_task", { agent: `a${at}`, run })),
    );
    expect(claims.filter(({ outcome }) => outcome === "claimed")).toHaveLength(2);
    expect(await free()).toBe(0);
    await check();
    await call("allocate_resources", { agent: "eve", requirements: { gpu_1: { units: 2 } }, wait_seconds: 0.05 });
    for (const { task, lease } of claims) if (task && lease) await crew.complete({ id: task.id, token: lease.token });
    // Both are the request's now, which no task comes before.
    expect(await call("claim_task", { agent: "ben", run })).toMatchObject({ reason: "resources" });
    await check();
  });
});

describe("a step that requires what is not there", () => {
  test("is ready and not claimable, with the reason, and holds no other up", async () => {
    const app = await startApp();
    const crew = new Crew(app);
    const { run } = await crew.start([
      { key: "never", resources: { gpu_9: { units: 1 } }, priority: "high" },
      { key: "plain" },
    ]);
    expect((await crew.take("ann", { run: run.id })).key).toBe("plain");
    expect(await app.call("check_task_ready", { task: `${run.id}/never` })).toMatchObject({
      reasons: [{ kind: "resources", detail: expect.stringContaining("gpu_9, which no register_resource") }],
    });
  });
});
