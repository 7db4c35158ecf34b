import { expect, test } from "vitest";
import { BACKENDS } from "../../support/databases/databases.js";
import { startAppOn } from "../../support/servers/app.js";

test.each(BACKENDS)(
  "a path below which another lies is a directory, for locks and for steps, on %s",
  async (backend) => {
    const { call } = await startAppOn(backend);
    const outcome = async (agent: string, file: string) =>
      (await call("acquire_file_lock", { agent, paths: [file], project: "p" })).outcome;
    await call("create_project", { name: "p" });
    for (const [upper, lower] of [
      ["v1.2", "v1.2/deep/b.md"],
      ["lib", "lib/*.ts"],
    ] as const) {
      for (const [first, second] of [
        [upper, lower],
        [lower, upper],
      ] as const) {
        expect([await outcome("a", first), await outcome("b", second)]).toEqual(["granted", "denied"]);
        await call("release_file_lock", { agent: "a", paths: [first], project: "p" });
      }
      expect([await outcome("a", upper), await outcome("b", `${upper}-2/a.md`)]).toEqual(["granted", "granted"]);
      await call("release_file_lock", { agent: "a", all: true, project: "p" });
    }

    const steps = ["v1.2", "v1.2/a.md"].map((file, at) => ({ key: `s${at}`, prompt: "x", files: { write: [file] } }));
    await call("create_workflow", { name: "w", project: "p", definition: { steps } });
    const started = await call("execute_workflow", { workflow: "w", project: "p" });
    const run = started.run.id;
    const first = await call("claim_task", { agent: "c", run });
    const second = await call("claim_task", { agent: "d", run });
    expect([first.task?.key, second.task?.key]).toEqual(["s0", undefined]);
    await call("complete_task", { task: first.task!.id, token: first.lease!.token, agent: "c" });
    expect((await call("claim_task", { agent: "d", run })).task?.key).toBe("s1");
  },
);
