import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { contention, HOUR, writes } from "../support/days/contention.js";

describe.each(BACKENDS)("resolving conflicts on %s", (backend) => {
  test("tasks with the same files are put in order, which the record explains, and its outcome is taken", async () => {
    const { app, crew, call, run, detect } = await contention(backend, [
      writes("a", "x.ts"),
      writes("b", "x.ts", { estimate_ms: HOUR / 2 }),
    ]);
    const [found] = await detect();
    const conflicts = [found?.id ?? ""];
    const proposed = await call("resolve_conflicts", { conflicts, strategy: "shortest_first", dry_run: true });
    expect(proposed.resolved).toMatchObject([
      { decision: `b goes before a; b of ${run} has priority high now`, reason: "b is done soonest" },
    ]);
    expect((await call("list_conflicts", { run })).conflicts).toMatchObject([{ status: "open" }]);
    await call("resolve_conflicts", { conflicts, strategy: "shortest_first" });
    expect(await crew.statuses(run)).toEqual({ a: "ready", b: "ready" });
    expect((await call("list_conflicts", { run })).conflicts).toMatchObject([
      { status: "resolved", strategy: "shortest_first", decided_by: expect.any(String) as string },
    ]);
    const first = await crew.take("ann", { run });
    expect(first.key).toBe("b");
    await app.advance(HOUR / 4);
    await crew.complete(first);
    const second = await crew.take("ann", { run });
    await app.advance(HOUR / 2);
    await crew.complete(second);
    await app.advance(60_000);
    const history = await app.callUnchecked("get_conflict_history", { run });
    const outcome = { expected_ms: 1.5 * HOUR, elapsed_ms: 0.75 * HOUR };
    expect(history).toMatchObject({ conflicts: [{ decision: expect.any(String) as string, outcome }] });
  });

  test("a holder that a critical task outranks is asked to give way, and after the grace its token is old", async () => {
    const { app, crew, call, run, detect, resolve } = await contention(backend, [
      writes("a", "x.ts"),
      writes("b", "x.ts"),
    ]);
    const held = await crew.take("ann", { run });
    const other = held.key === "a" ? "b" : "a";
    await crew.claim("ben", { run });
    await call("modify_run", { run, changes: [{ op: "reprioritize", tasks: [other], priority: "critical" }] });
    await detect();
    const { resolved } = await resolve("prioritize_critical");
    expect(resolved.some(({ decision }) => decision.startsWith(`${held.key} gives way to ${other}`))).toBe(true);
    const progress = { task: held.id, token: held.token };
    expect((await call("report_progress", progress)).orders).toBe("preempted");
    await app.advance(30_000);
    await expect(call("report_progress", progress)).rejects.toMatchObject({ code: "stale_token" });
    expect((await crew.take("ben", { run })).key).toBe(other);
  });

  test("readers of a locked file are served together, ahead of a writer", async () => {
    const { detect, resolve, lock } = await contention(backend, [{ key: "a" }]);
    await lock("ann", ["x.ts"], { mode: "shared" });
    await lock("ben", ["x.ts"], { wait_seconds: 0.01 });
    await lock("eve", ["x.ts"], { mode: "shared", wait_seconds: 0.01 });
    await detect();
    expect((await resolve("share")).resolved).toMatchObject([{ decision: "eve share it" }]);
    expect((await lock("eve", ["x.ts"], { mode: "shared" })).outcome).toBe("granted");
  });

  test("a cycle of waiting is broken: who is last in the order leaves the line", async () => {
    const { call, detect, resolve, lock } = await contention(backend, [{ key: "a" }]);
    await call("register_resource", { id: "gpu", type: "gpu", capacity: { units: 1 } });
    const allocate = (agent: string, wait_seconds = 0) =>
      call("allocate_resources", { agent, requirements: { gpu: { units: 1 } }, wait_seconds });
    await allocate("ann");
    await lock("ben", ["x.ts"]);
    await lock("ann", ["x.ts"], { wait_seconds: 0.01 });
    await allocate("ben", 0.01);
    const cycle = (await detect()).find(({ kind }) => kind === "wait_cycle");
    const { resolved } = await call("resolve_conflicts", { conflicts: [cycle?.id ?? ""], strategy: "queue" });
    expect(resolved).toMatchObject([{ decision: "ann leaves the line" }]);
    expect((await detect()).map(({ kind }) => kind)).toEqual(["resources"]);
    expect((await resolve("shortest_first")).unresolved).toMatchObject([
      { why: "shortest_first cannot resolve a conflict of this kind" },
    ]);
  });

  test("a deadline that one agent would miss moves to another, or its task goes first", async () => {
    const { app, crew, call, detect, resolve } = await contention(backend, [{ key: "other" }]);
    const start = async (name: string, hours: number, priority: "high" | "normal") => {
      const deadline = new Date(app.clock.now() + hours * HOUR).toISOString();
      const definition = { name, steps: [{ key: name, prompt: "do it", estimate_ms: HOUR }] };
      const { run } = await call("execute_workflow", { project: "shop", definition, deadline, priority });
      await call("assign_task", { task: `${run.id}/${name}`, agent: "ann" });
      return run.id;
    };
    await start("long", 9, "high");
    const late = await start("late", 1.5, "normal");
    expect(await detect()).toMatchObject([{ kind: "deadline" }]);
    const earliest = { all: true, project: "shop", strategy: "earliest_deadline" } as const;
    const { resolved } = await call("resolve_conflicts", { ...earliest, dry_run: true });
    expect(resolved).toMatchObject([{ decision: `late goes first; late of ${late} has priority high now` }]);
    expect((await resolve("rebalance")).resolved).toHaveLength(1);
    expect(await detect()).toEqual([]);
    expect(await crew.statuses(late)).toEqual({ late: "ready" });
  });

  test("the strategy of a kind goes before that of the project, and unknown ones change nothing", async () => {
    const { app, call, detect } = await contention(backend, [
      writes("a", "x.ts"),
      writes("b", "x.ts", { priority: "critical" }),
    ]);
    const [found] = await detect();
    const decided = async () =>
      (await call("resolve_conflicts", { conflicts: [found?.id ?? ""], dry_run: true })).resolved[0]?.strategy;
    await call("set_conflict_strategy", { strategy: "queue", project: "shop" });
    expect(await decided()).toBe("queue");
    await call("set_conflict_strategy", { strategy: "earliest_deadline", scope: "overlapping_scopes" });
    expect(await decided()).toBe("earliest_deadline");
    const wrong = app.callUnchecked("set_conflict_strategy", { strategy: "fair", project: "shop" });
    await expect(wrong).rejects.toMatchObject({ code: "invalid_input" });
    await expect(call("resolve_conflicts", { conflicts: ["conflict_none"] })).rejects.toMatchObject({
      code: "not_found",
    });
  });
});
