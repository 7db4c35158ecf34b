import { describe, expect, it } from "vitest";
import { startAppOn } from "../support/servers/app.js";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

const ROUNDS = 4;
const once = { retry: { max_attempts: 1 } };

describe.each(BACKENDS)("a child run that failed and is reopened by itself, on %s", (backend) => {
  /** A run whose step `call` has failed with its child, while its step `other` still waits for one. */
  async function crew(call: object = {}) {
    const team = new Crew(await startAppOn(backend));
    const define = (name: string, steps: object[]) => team.app.call("create_workflow", { name, definition: { steps } });
    await define("leaf", [{ key: "in", prompt: "x" }]);
    await define("sub", [
      { key: "a", prompt: "x", ...once },
      { key: "g", kind: "workflow", workflow: "leaf", needs: ["a"] },
    ]);
    const { run } = await team.start([
      { key: "call", kind: "workflow", workflow: "sub", ...call },
      { key: "other", kind: "workflow", workflow: "leaf" },
      { key: "own" },
    ]);
    const settle = async () => {
      for (let round = 0; round < ROUNDS; round++) await team.app.advance(1);
    };
    await settle();
    const child = await childOf(team, run.id, "sub");
    await team.fail(await team.take("ann", { run: child }));
    await settle();
    return { team, run: run.id, child, settle };
  }

  async function childOf(team: Crew, run: string, name: string): Promise<string> {
    const { runs } = await team.app.call("list_runs", { limit: 50 });
    const all = await Promise.all(runs.map(({ id }) => team.run(id)));
    const found = all.filter((one) => one.parent?.run === run && one.name === name);
    // The newest: ids sort by creation.
    return found.reduce((newest, { id }) => (id > newest ? id : newest), "");
  }

  it("goes on whatever becomes of its siblings and of what is within it, and resolves its step with its end", async () => {
    const { team, run, child, settle } = await crew();
    await team.app.call("control_run", { run: child, action: "retry_failed" });
    await settle();
    await team.app.call("cancel_task", { task: `${run}/other` });
    await settle();
    expect((await team.run(child)).status).toBe("running");
    expect((await team.run(await childOf(team, run, "leaf"))).status).toBe("cancelled");

    await team.complete(await team.take("ann", { run: child }));
    await settle();
    await team.complete(await team.take("ann", { run: await childOf(team, child, "leaf") }));
    await settle();
    expect((await team.run(child)).status).toBe("succeeded");
    expect(await team.statuses(run)).toMatchObject({ call: "succeeded" });
  });

  it("ends again where another try has been begun in its place", async () => {
    const { team, run, child, settle } = await crew({ retry: { max_attempts: 2, initial_interval_ms: 1 } });
    await settle();
    expect(await childOf(team, run, "sub")).not.toBe(child);
    await team.app.call("control_run", { run: child, action: "retry_failed" });
    await settle();
    expect(await team.run(child)).toMatchObject({
      status: "cancelled",
      reason: "the task that waited for it does so no longer",
    });
    expect(await team.statuses(run)).toMatchObject({ call: "waiting" });
  });
});
