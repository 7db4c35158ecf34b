import { describe, expect, test } from "vitest";
import { BACKENDS, testRuntime } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";
import { startableRuns } from "../../../src/engine/runs/queue.js";
import { startApp, startAppOn } from "../../support/servers/app.js";

describe.each(BACKENDS)("max_concurrent_runs on %s", (backend) => {
  async function crewWith(max_concurrent_runs: number) {
    const crew = new Crew(await startAppOn(backend, { settings: { max_concurrent_runs } }));
    const { call, advance } = crew.app;
    const started = async (more: { readonly priority?: "high" } = {}) => {
      const definition = { name: "w", steps: [{ key: "a", prompt: "p" }] };
      return (await call("execute_workflow", { definition, ...more })).run;
    };
    const stateOf = async (run: string) => (await call("get_run", { run })).run;
    return { crew, call, advance, started, stateOf };
  }

  test("has a run beyond it wait with the reason, and start by itself when one ends", async () => {
    const { crew, call, advance, started, stateOf } = await crewWith(1);
    const [first, second] = [await started(), await started()];
    expect(first.status).toBe("running");
    expect(second).toMatchObject({
      status: "paused",
      reason: expect.stringContaining("max_concurrent_runs") as string,
    });
    const held = await crew.take("ann", { run: first.id });
    const none = await call("claim_task", { agent: "ben", run: second.id });
    expect(none).toMatchObject({ outcome: "none", detail: expect.stringContaining("it starts when one") as string });
    expect(none.detail).not.toContain("resume");
    await crew.complete(held);
    await advance(0);
    const now = await stateOf(second.id);
    expect(now.status).toBe("running");
    expect(now.reason).toBeUndefined();
    await crew.complete(await crew.take("ben", { run: second.id }));
    expect((await stateOf(second.id)).status).toBe("succeeded");
  });

  test("starts the most urgent run first, and the oldest of those", async () => {
    const { crew, advance, started, stateOf } = await crewWith(1);
    const first = await started();
    const [second, third, urgent] = [await started(), await started(), await started({ priority: "high" })];
    const statuses = async () => Promise.all([second, third, urgent].map(async ({ id }) => (await stateOf(id)).status));
    await crew.complete(await crew.take("ann", { run: first.id }));
    await advance(0);
    expect(await statuses()).toEqual(["paused", "paused", "running"]);
    await crew.complete(await crew.take("ann", { run: urgent.id }));
    await advance(0);
    expect(await statuses()).toEqual(["running", "paused", "succeeded"]);
  });

  test("starts a run that waits at once where it is resumed, or the bound is taken away", async () => {
    const { crew, call, advance, started, stateOf } = await crewWith(1);
    await started();
    const [second, third] = [await started(), await started()];
    await call("control_run", { run: second.id, action: "resume" });
    expect((await stateOf(second.id)).status).toBe("running");
    await advance(0);
    expect((await stateOf(third.id)).status).toBe("paused");
    const unbounded = await startApp({ database: crew.app.database, runtime: testRuntime(2) });
    await unbounded.advance(0);
    expect((await stateOf(third.id)).status).toBe("running");
  });

  test("lets no new run pass one that waits, also where there is a place", async () => {
    const { call, advance, started, stateOf } = await crewWith(1);
    const first = await started();
    const second = await started({ priority: "high" });
    await call("control_run", { run: first.id, action: "pause" });
    const third = await started();
    expect(third.status).toBe("paused");
    await advance(0);
    expect((await stateOf(second.id)).status).toBe("running");
    expect((await stateOf(third.id)).status).toBe("paused");
  });

  test("has the tick try every run that waits while there is a place, so that one that cannot start keeps no other back", async () => {
    const { crew, call, advance, started, stateOf } = await crewWith(1);
    const first = await started();
    const waiting = [await started(), await started()].map(({ id }) => id);
    const { read } = await crew.app.app.reader("test");
    const startable = async () => read((ctx) => startableRuns(ctx, 10));
    expect(await startable()).toEqual([]);
    await call("control_run", { run: first.id, action: "pause" });
    expect(await startable()).toEqual(waiting);
    await advance(0);
    expect(await Promise.all(waiting.map(async (run) => (await stateOf(run)).status))).toEqual(["running", "paused"]);
  });

  test("is kept by starts that come together from several processes", async () => {
    const { crew, started } = await crewWith(2);
    const { database } = crew.app;
    const settings = { max_concurrent_runs: 2 };
    const others = await Promise.all(
      [2, 3, 4].map((seed) => startApp({ database, settings, runtime: testRuntime(seed) })),
    );
    const definition = { name: "w", steps: [{ key: "a", prompt: "p" }] };
    await started();
    const answers = await Promise.all(others.map(({ call }) => call("execute_workflow", { definition })));
    const statuses = answers.map(({ run }) => run.status).toSorted();
    expect(statuses).toEqual(["paused", "paused", "running"]);
  });
});
