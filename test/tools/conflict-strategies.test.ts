import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { contention, HOUR, writes } from "../support/days/contention.js";

/** Tasks of four hours, each after the one before it. */
function behind(key: string, count: number) {
  const keys = [key, ...Array.from({ length: count }, (_, at) => `${key}${at}`)];
  return keys.slice(1).map((next, at) => ({ key: next, needs: [keys[at] ?? key], estimate_ms: 4 * HOUR }));
}

describe.each(BACKENDS)("strategies for conflicts on %s", (backend) => {
  test("the shortest of two tasks with the same file goes first", async () => {
    const { crew, call, run, detect } = await contention(backend, [
      writes("long", "x.ts", { estimate_ms: 2 * HOUR }),
      writes("short", "x.ts"),
    ]);
    await detect();
    const { resolved } = await call("resolve_conflicts", { all: true, project: "shop", strategy: "shortest_first" });
    expect(resolved).toMatchObject([{ reason: "short is done soonest" }]);
    expect((await crew.take("ann", { run })).key).toBe("short");
  });

  test("the task with the longest chain behind it goes first, and who holds its file gives way", async () => {
    const { crew, call, run, detect } = await contention(backend, [
      writes("alone", "x.ts", { priority: "high" }),
      writes("chain", "x.ts"),
      ...behind("chain", 2),
    ]);
    const strategy = "protect_dependency_chain";
    await detect();
    const first = await call("resolve_conflicts", { all: true, project: "shop", strategy, dry_run: true });
    expect(first.resolved).toMatchObject([{ reason: "chain has the longest chain of work behind it" }]);
    expect(first.resolved[0]?.decision).toContain("chain goes before alone; chain of ");
    const held = await crew.take("ann", { run });
    expect(held.key).toBe("alone");
    await crew.claim("ben", { run });
    await detect();
    const { resolved } = await call("resolve_conflicts", { all: true, project: "shop", strategy });
    expect(resolved[0]?.decision).toContain("alone gives way to chain");
    await call("release_task", { task: held.id, token: held.token });
    expect((await crew.take("eve", { run })).key).toBe("chain");
  });

  test("the task with the earliest deadline goes first, and who holds its file gives way where waiting would miss it", async () => {
    const { app, crew, call, run, detect } = await contention(backend, [writes("late", "x.ts", { priority: "high" })]);
    const deadline = new Date(app.clock.now() + 1.5 * HOUR).toISOString();
    const definition = { name: "urgent", steps: [{ ...writes("urgent", "x.ts"), prompt: "do it" }] };
    const urgent = (await call("execute_workflow", { project: "shop", definition, deadline })).run.id;
    const strategy = "earliest_deadline";
    await detect();
    const first = await call("resolve_conflicts", { all: true, project: "shop", strategy, dry_run: true });
    expect(first.resolved).toMatchObject([{ reason: "urgent has the earliest deadline" }]);
    const held = await crew.take("ann", { run });
    await crew.claim("ben", { run: urgent });
    await detect();
    const { resolved } = await call("resolve_conflicts", { all: true, project: "shop", strategy });
    expect(resolved[0]?.decision).toContain("late gives way to urgent");
    await call("release_task", { task: held.id, token: held.token });
    expect((await crew.take("eve", {})).key).toBe("urgent");
  });

  test("a strategy that is set is listed with who set it until it is cleared and the setting holds, and one that resolves no conflict of a kind is refused", async () => {
    const { call } = await contention(backend, [{ key: "a" }]);
    const set = (strategy: "share" | "queue" | "default", scope: "project" | "overlapping_scopes" | "unlocked_edit") =>
      call("set_conflict_strategy", { strategy, scope, project: "shop", agent: "ann" });
    const listed = async () => (await call("list_conflicts", { project: "shop" })).strategies;
    expect(await listed()).toBeUndefined();
    await set("queue", "overlapping_scopes");
    await set("share", "project");
    expect(await listed()).toMatchObject([
      { scope: "kind:overlapping_scopes", strategy: "queue", set_by: "ann" },
      { scope: expect.stringMatching(/^project:/) as string, strategy: "share", set_by: "ann" },
    ]);
    const configure = (name: "queue" | "adaptive") =>
      call("configure", { settings: { conflict_resolution_strategy: name } });
    await configure("queue");
    expect(await set("default", "project")).toMatchObject({ strategy: "queue" });
    await configure("adaptive");
    expect(await set("default", "overlapping_scopes")).toEqual({
      scope: "kind:overlapping_scopes",
      strategy: "adaptive",
    });
    expect(await listed()).toBeUndefined();
    const elsewhere = { strategy: "queue", scope: "overlapping_scopes", project: "nowhere" } as const;
    await expect(call("set_conflict_strategy", elsewhere)).rejects.toMatchObject({ code: "not_found" });
    await expect(set("share", "overlapping_scopes")).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("shortest_first, queue or adaptive can") as string,
    });
    await expect(set("queue", "unlocked_edit")).rejects.toMatchObject({
      message: expect.stringContaining("no strategy can") as string,
    });
  });

  test("a strategy of the project that resolves no conflict of a kind leaves those to the next that does", async () => {
    const { call, detect } = await contention(backend, [
      writes("a", "x.ts", { estimate_ms: 2 * HOUR }),
      writes("b", "x.ts"),
    ]);
    await call("set_conflict_strategy", { strategy: "share", project: "shop" });
    const conflicts = (await detect()).map(({ id }) => id);
    const propose = async () => call("resolve_conflicts", { conflicts, dry_run: true });
    const first = await propose();
    expect(JSON.stringify(first)).not.toContain("cannot resolve");
    // Adaptive chooses by chance, but the same for the same conflict.
    for (let again = 0; again < 5; again++) expect(await propose()).toEqual(first);
    expect(await call("resolve_conflicts", { conflicts })).toEqual(first);
  });

  test("a kind of which more is found than is kept is left out, and none of it is gone for that", async () => {
    const steps = (count: number) => Array.from({ length: count }, (_, at) => writes(`t${at}`, "x.ts"));
    const { call, start, detect } = await contention(backend, steps(2));
    await detect();
    await start(steps(20));
    const { left_out } = await call("detect_conflicts", { project: "shop" });
    expect(left_out).toContainEqual({
      kind: "overlapping_scopes",
      why: "there are more of them, or more tasks, than are looked through",
    });
    expect((await call("list_conflicts", { project: "shop", status: "gone" })).conflicts).toEqual([]);
  });

  test("one call resolves all that one look finds", async () => {
    const { call, detect } = await contention(
      backend,
      Array.from({ length: 12 }, (_, at) => writes(`t${at}`, "x.ts", { estimate_ms: (at + 1) * HOUR })),
    );
    expect(await detect()).toHaveLength(66);
    const all = { all: true, project: "shop", strategy: "shortest_first", dry_run: true } as const;
    expect((await call("resolve_conflicts", all)).resolved).toHaveLength(66);
    const both = call("resolve_conflicts", { ...all, conflicts: ["conflict_x"] });
    await expect(both).rejects.toMatchObject({ message: expect.stringContaining("not both") as string });
  });
});
