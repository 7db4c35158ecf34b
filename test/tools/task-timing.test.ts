import { describe, expect, it } from "vitest";
import { startApp } from "../support/servers/app.js";
import { BACKENDS, createDatabase, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

describe.each(BACKENDS)("tasks over time on %s", (backend) => {
  async function crew(settings: Record<string, number | boolean> = {}): Promise<Crew> {
    const runtime = testRuntime();
    const { location } = await createDatabase(backend);
    // PostgreSQL has a clock of its own: in tests it is the one that the test moves.
    const storeHooks = { now: () => runtime.clock.now() };
    return new Crew(await startApp({ database: location, runtime, settings, storeHooks }));
  }

  it("get a new schedule_to_start window when they are released", async () => {
    const team = await crew();
    const { run } = await team.start([{ key: "a", timeouts: { schedule_to_start: "1m" } }]);
    await team.app.advance(50_000);
    const held = await team.take("ann", { run: run.id });
    await team.app.advance(50_000);
    await team.app.call("release_task", { task: held.id, token: held.token, note: "later" });
    await team.app.advance(59_000);
    expect((await team.statuses(run.id))["a"]).toBe("ready");
    await team.app.advance(1_000);
    expect((await team.statuses(run.id))["a"]).toBe("dead_letter");
  });

  it(
    "lift the ranks of many layers once each, however many chains lead through them",
    { timeout: 20_000 },
    async () => {
      const team = await crew();
      const [layers, width] = [12, 6];
      const keysOf = (layer: number) => Array.from({ length: width }, (_, n) => `t${layer}-${n}`);
      const { run } = await team.start(
        Array.from({ length: layers }, (_, layer) =>
          keysOf(layer).map((key) => ({ key, needs: layer === 0 ? [] : keysOf(layer - 1) })),
        ).flat(),
      );
      await team.app.call("create_task", { title: "x", prompt: "x", run: run.id, dependencies: keysOf(layers - 1) });
      expect(await team.statuses(run.id)).toMatchObject({ "t0-0": "ready" });
    },
  );

  it("keep the time in which they must be started through a reservation", async () => {
    const team = await crew();
    const { run, ready } = await team.start([{ key: "a", timeouts: { schedule_to_start: "1h" } }]);
    await team.app.call("register_agent", { name: "ben" });
    await team.app.call("assign_task", { task: ready[0]!.id, agent: "ben" });
    await team.app.advance(3_599_000);
    expect((await team.statuses(run.id))["a"]).toBe("ready");
    await team.app.advance(1_000);
    expect((await team.statuses(run.id))["a"]).toBe("dead_letter");
  });

  it("leave the holder the whole grace, whenever else the task was to be looked at", async () => {
    const team = await crew({ cancel_grace_ms: 120_000 });
    const { run } = await team.start([{ key: "held", timeouts: { heartbeat: "1m" } }]);
    const held = await team.take("ann", { run: run.id });
    await team.app.advance(50_000);
    await team.app.call("control_run", { run: run.id, action: "cancel" });
    await team.app.advance(60_000);
    expect((await team.statuses(run.id))["held"]).toBe("running");
    expect(await team.app.call("report_progress", { task: held.id, token: held.token })).toMatchObject({
      orders: "cancel_requested",
    });
    await team.app.advance(60_000);
    expect((await team.statuses(run.id))["held"]).toBe("cancelled");
  });

  it("takes the task away after the grace, whatever signs of life its holder gives", async () => {
    const team = await crew({ cancel_grace_ms: 30_000 });
    const { run } = await team.start([{ key: "held" }]);
    await team.take("ann", { run: run.id });
    await team.app.call("control_run", { run: run.id, action: "cancel" });
    await team.app.call("agent_heartbeat", { agent: "ann" });
    expect(await team.claim("ann", { run: run.id })).toMatchObject({ outcome: "claimed", resumed: true });
    await team.app.advance(30_000);
    expect((await team.run(run.id)).status).toBe("cancelled");
  });

  it.each(["control_run", "cancel_task"] as const)(
    "are taken away after the grace, however often %s asks for it",
    async (tool) => {
      const team = await crew({ cancel_grace_ms: 30_000 });
      const { run } = await team.start([{ key: "held" }]);
      const held = await team.take("ann", { run: run.id });
      const cancel = async (reason: string) =>
        tool === "control_run"
          ? team.app.call(tool, { run: run.id, action: "cancel", reason })
          : team.app.call(tool, { task: held.id, reason });
      const first = await cancel("enough");
      await team.app.advance(20_000);
      expect(await cancel("really")).toEqual(first);
      await team.app.advance(9_000);
      expect((await team.statuses(run.id))["held"]).toBe("running");
      await team.app.advance(1_000);
      expect((await team.statuses(run.id))["held"]).toBe("cancelled");
      // A run in which nothing failed has succeeded; only a run that is cancelled as a whole ends as cancelled.
      expect((await team.run(run.id)).status).toBe(tool === "control_run" ? "cancelled" : "succeeded");
    },
  );

  it("are cancelled with their run once: asked again, the answer is that it is cancelled", async () => {
    const team = await crew();
    const { run } = await team.start([{ key: "a" }]);
    const cancel = { run: run.id, action: "cancel" } as const;
    const first = await team.app.call("control_run", cancel);
    expect(first).toMatchObject({ run: { status: "cancelled" } });
    expect(await team.app.call("control_run", cancel)).toEqual(first);
    const { events } = await team.app.call("list_events", { run: run.id });
    expect(events.filter(({ type }) => type === "run.cancelling")).toHaveLength(1);
  });

  it("for a project are made at once by many callers, the first ones too", async () => {
    const { app } = await crew();
    await app.call("create_project", { name: "p" });
    const titles = ["one", "two", "three", "four"];
    await Promise.all(titles.map((title) => app.call("create_task", { project: "p", title, prompt: "x" })));
    const { tasks } = await app.call("list_tasks", { project: "p" });
    expect(tasks.map(({ title }) => title).toSorted()).toEqual(titles.toSorted());
  });

  it("are claimed once by the same request sent twice at once", async () => {
    const team = await crew();
    const { run } = await team.start([{ key: "a" }, { key: "b" }]);
    await team.app.call("register_agent", { name: "ann", max_concurrent_tasks: 2 });
    const twice = await Promise.all([0, 1].map(() => team.claim("ann", { run: run.id, request_id: "r1" })));
    expect(twice[1]).toEqual(twice[0]);
    expect(Object.values(await team.statuses(run.id)).toSorted()).toEqual(["ready", "running"]);
  });
});
