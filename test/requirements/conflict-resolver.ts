import { expect } from "vitest";
import type { Checks } from "./checks.js";

/** The document "Conflict resolver & task scheduler". */
export const conflictResolver: Checks = {
  "2.1 2.6 2.7 2.8 2.9 2.24 2.57 2.59": async ({ ask, call, crew, start }) => {
    const lock = async (agent: string, filepath: string | string[]) =>
      ask("acquire_file_lock", { filepath, agent_id: agent });
    const first = await lock("ann", "src/types.ts");
    expect(first).toMatchObject({ outcome: "granted", locks: [{ path: "src/types.ts" }] });
    expect(await lock("ann", "src/types.ts")).toMatchObject({ outcome: "granted", locks: first["locks"] });
    expect(await lock("bob", "src/types.ts")).toMatchObject({ outcome: "denied", conflicts: [{ held_by: "ann" }] });
    expect(await lock("bob", ["src/other.ts", "src/types.ts"])).toMatchObject({ outcome: "denied", locks: [] });
    const release = async (agent: string) => ask("release_file_lock", { filepath: "src/types.ts", agent_id: agent });
    expect(await release("bob")).toMatchObject({ released: [], not_held: ["src/types.ts"] });
    expect(await release("ann")).toMatchObject({ released: ["src/types.ts"] });
    const run = await start([{ key: "a", files: { write: ["x"] } }]);
    await crew.complete(await crew.take("ann", { run }));
    expect((await call("list_file_locks", {})).locks).toEqual([]);
  },
  "2.2": async ({ app, call }) => {
    const { locks } = await call("acquire_file_lock", { agent: "ann", paths: ["a"] });
    expect(Date.parse(locks[0]!.expires_at!) - app.clock.now()).toBe(30 * 60_000);
    await app.advance(30 * 60_000);
    expect(await call("acquire_file_lock", { agent: "bob", paths: ["a"] })).toMatchObject({ outcome: "granted" });
    expect((await call("list_events", { types: ["lock.broken"] })).events).toHaveLength(1);
  },
  "2.3 2.11 2.17 2.23 2.40 2.41 2.43": async ({ ask, call, crew, start }) => {
    const run = await start([
      { key: "backend", retry: { max_attempts: 1 } },
      { key: "frontend", needs: ["backend"], role: "ui", files: { write: ["x"] } },
      { key: "deploy", needs: ["frontend"] },
    ]);
    const frontend = { task_id: `${run}/frontend`, agent_id: "bob" };
    await call("register_agent", { name: "bob" });
    await call("acquire_file_lock", { agent: "ann", paths: ["x"] });
    expect(await ask("are_dependencies_met", frontend)).toMatchObject({
      ready: false,
      reasons: expect.arrayContaining([
        expect.objectContaining({ kind: "dependencies", detail: expect.stringContaining("backend") as string }),
        expect.objectContaining({ kind: "role" }),
        expect.objectContaining({ kind: "locked" }),
      ]) as object[],
    });
    await crew.fail(await crew.take("ann", { run }));
    expect(await crew.statuses(run)).toEqual({ backend: "dead_letter", frontend: "blocked", deploy: "blocked" });
    expect(await ask("should_block_dependent_task", frontend)).toMatchObject({
      ready: false,
      reasons: expect.arrayContaining([
        expect.objectContaining({ kind: "dependency_failed", detail: expect.stringContaining("backend") as string }),
      ]) as object[],
    });
    const { events } = await call("list_events", { run, types: ["task.dead_letter", "task.blocked"] });
    expect(events.map(({ type }) => type)).toEqual(["task.dead_letter", "task.blocked", "task.blocked"]);
  },
  "2.5": async ({ call }) => {
    await call("acquire_file_lock", { agent: "ann", paths: ["a", "b"] });
    expect((await call("get_system_status", {})).locks).toEqual({ held: 2, offered: 0, waiting: 0 });
    expect((await call("list_file_locks", {})).locks).toHaveLength(2);
  },
  "2.12": async ({ call, crew, start }) => {
    const run = await start([{ key: "a" }, { key: "b", needs: ["a"] }]);
    await crew.take("ann", { run });
    expect(await call("claim_task", { run, agent: "bob" })).toMatchObject({ outcome: "none" });
  },
  "2.14 2.20 2.22 2.28 2.29 2.30 2.31 2.32 2.33 2.34 2.35 2.36 2.37 2.38 2.39 2.19": async ({
    ask,
    call,
    crew,
    start,
  }) => {
    const step = (at: number) => ({ key: `k${at}`, files: { write: [`src/${at}.ts`] } });
    const run = await start(Array.from({ length: 12 }, (_, at) => step(at)));
    for (let count = 0; count < 8; count++) await crew.complete(await crew.take("ann", { run }));
    for (const agent of ["bob", "cid"]) await crew.take(agent, { run });
    const answer = {
      run_id: run,
      progress: 66.7,
      completed: 8,
      in_progress: 2,
      pending: 2,
      failed: 0,
      total: 12,
      ready_tasks: 2,
      has_cycle: false,
      conflict_stats: { active_locks: 2, locked_files: ["src/8.ts", "src/9.ts"], failed_tasks: 0 },
    };
    expect(await ask("get_swarm_progress", { swarm_id: run })).toMatchObject(answer);
    expect(await ask("calculate_progress", { swarm_id: run })).toMatchObject(answer);
    expect(await ask("detect_dependency_cycle", { swarm_id: run })).toMatchObject({ has_cycle: false });
    expect((await call("get_run", { run })).run.counts.running).toBe(2);
  },
  "2.15 2.18": async ({ ask, call, start }) => {
    const run = await start([
      { key: "low", priority: "low" },
      { key: "locked", priority: "critical", files: { write: ["x"] } },
      { key: "high", priority: "high" },
    ]);
    await call("acquire_file_lock", { agent: "bob", paths: ["x"] });
    const { tasks } = await ask("get_ready_tasks", { swarm_id: run });
    expect(tasks).toMatchObject([
      { key: "locked", claimable: false, reasons: [{ kind: "locked" }] },
      { key: "high" },
      { key: "low" },
    ]);
    expect(tasks).not.toMatchObject([{}, { claimable: false }, {}]);
  },
  "2.26": async ({ call, crew, start }) => {
    const run = await start([
      { key: "a", files: { write: ["one"] }, retry: { max_attempts: 1 } },
      { key: "b", files: { write: ["two"] } },
    ]);
    await call("register_agent", { name: "ann", max_concurrent_tasks: 2 });
    const first = await crew.take("ann", { run, fresh: true });
    await crew.take("ann", { run, fresh: true });
    await call("acquire_file_lock", { agent: "ann", paths: ["free"] });
    expect(await crew.fail(first)).toMatchObject({ released: ["free"] });
    expect((await call("list_file_locks", {})).locks.map(({ path }) => path)).toEqual(["two"]);
  },
  "2.44": async ({ call, crew, held }) => {
    const task = await held({ files: { write: ["x"] } });
    expect(await call("check_file_lock", { path: "x", agent: "bob" })).toMatchObject({ allowed: false });
    await crew.complete(task);
    expect(await call("check_file_lock", { path: "x", agent: "bob" })).toMatchObject({ allowed: true });
  },
};
