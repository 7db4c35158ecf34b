import { grouped } from "../../base/lists/groups.js";
import { parkedTasks } from "../../store/conflicts/contenders.js";
import { listLocks } from "../../store/locks/lists.js";
import { type Lock, onlyRunningTasks } from "../../store/locks/locks.js";
import { findTasks } from "../../store/tasks/lists.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { isStale, LockTable, patternOf, queuePositionOf, unlessTooMuch } from "../locks/conflicts.js";
import { type FoundConflict, runOf, taskParty } from "./found.js";

/** Locks of a project that are looked at. */
const LOCKS_MAX = 2_000;
const PARKED_MAX = 200;

/** A request for locks with what stands in its way: those who hold it, and those who asked earlier. */
export interface LockWait {
  readonly locks: readonly Lock[];
  readonly blockers: readonly Lock[];
}

/** The locks of a project, and who waits for whom. */
export interface LockQueues {
  readonly held: readonly Lock[];
  readonly waits: readonly LockWait[];
  /** By agent, the only running task of each that has exactly one: what it holds without a task is that task's. */
  readonly onlyTask: ReadonlyMap<string, string>;
}

/** Returns the locks of a project, or of some agents in it; `others` are agents without locks whose only task is asked for too. */
export function* lockQueues(
  ctx: EngineContext,
  where: { readonly project: string; readonly agents?: readonly string[]; readonly others: readonly string[] },
): Tx<LockQueues> {
  const found: Lock[] = [];
  for (const agent of where.agents ?? [undefined])
    found.push(...(yield* listLocks(ctx.now, { project: where.project, agent, limit: LOCKS_MAX })));
  const locks = found.filter((lock) => !isStale(lock, ctx.now));
  const table = new LockTable(ctx.now, locks);
  const agents = new Set([...locks.map(({ agent }) => agent), ...where.others]);
  const onlyTask = yield* onlyRunningTasks([...agents].sort());
  const queued = grouped(
    locks.filter(({ state }) => state === "queued"),
    ({ request }) => request,
  );
  const waits = [...queued.values()].flatMap((own): LockWait[] => {
    const [first] = own;
    if (!first) return [];
    const { agent, task } = first;
    const by = { agent, task, ownsUntasked: task !== null && onlyTask.get(agent) === task };
    const patterns = own.map((lock) => ({ pattern: patternOf(lock), mode: lock.mode }));
    const wanted = { by, patterns, queuePosition: queuePositionOf(first) };
    const obstacles = unlessTooMuch(() => table.obstacles(wanted)) ?? [];
    return [{ locks: own, blockers: obstacles.map(({ lock }) => lock) }];
  });
  return { held: locks.filter(({ state }) => state !== "queued"), waits, onlyTask };
}

/** Locks that others wait for: one conflict for each request that holds some, with all that wait for it. */
export function* lockContention(
  { held, waits }: LockQueues,
  where: { readonly project: string; readonly run?: string | undefined },
): Tx<FoundConflict[]> {
  const holders = grouped(held, ({ request }) => request);
  const parked = grouped(yield* parkedTasks({ ...where, limit: PARKED_MAX }), ({ parkedOn }) => parkedOn);
  const byRequest = new Map(waits.map((wait) => [wait.locks[0]?.request ?? "", wait]));
  const queuedBehind = grouped(
    waits.flatMap((wait) => [...awaitedBy(wait, byRequest)].map((request) => ({ request, wait }))),
    ({ request }) => request,
    ({ wait }) => wait,
  );
  const ids = [...held, ...waits.flatMap(({ locks }) => locks)].flatMap(({ task }) => task ?? []);
  const tasks = new Map((yield* findTasks([...new Set(ids)])).map((task) => [task.id, task]));
  return [...holders].flatMap(([request, locks]) => {
    const behind = parked.get(request) ?? [];
    const queued = queuedBehind.get(request) ?? [];
    if (behind.length + queued.length === 0) return [];
    const waiting = queued.map((wait) => lockParty("waits", wait.locks, tasks));
    const waitingTasks = behind.map(({ task }) => taskParty(task, { role: "waits" as const }));
    const parties = [lockParty("holds", locks, tasks), ...waiting, ...waitingTasks].slice(0, PARTIES_MAX);
    const involved = [
      ...tasksOf([locks, ...queued.map((wait) => wait.locks)], tasks),
      ...behind.map(({ task }) => task),
    ];
    if (where.run !== undefined && !involved.some(({ run }) => run === where.run)) return [];
    const paths = [...new Set(locks.map(({ path }) => path))].slice(0, PATHS_SHOWN_MAX).join(", ");
    const count = queued.length + behind.length;
    const detail = `${locks[0]?.agent ?? ""} holds ${paths}; ${count} ${count === 1 ? "waits" : "wait"} for it`;
    return [{ kind: "lock_contention", names: [request], run: runOf(involved), parties, detail }];
  });
}

/** The requests that a request waits for, also through earlier ones in line. */
function awaitedBy(wait: LockWait, byRequest: ReadonlyMap<string, LockWait>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [wait];
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const { request } of next.blockers) {
      if (found.has(request)) continue;
      found.add(request);
      const earlier = byRequest.get(request);
      if (earlier) open.push(earlier);
    }
  return found;
}

/** Parties of one conflict that are kept. */
export const PARTIES_MAX = 20;
export const PATHS_SHOWN_MAX = 5;

function tasksOf(groups: readonly (readonly Lock[])[], tasks: ReadonlyMap<string, Task>): Task[] {
  return groups.flatMap(([lock]) => tasks.get(lock?.task ?? "") ?? []);
}

function lockParty(role: "holds" | "waits", locks: readonly Lock[], tasks: ReadonlyMap<string, Task>) {
  const [lock] = locks;
  const task = tasks.get(lock?.task ?? "");
  return {
    role,
    agent: lock?.agent ?? "",
    ...(lock && { request: lock.request }),
    ...(task && { task: task.id, key: task.key }),
    paths: [...new Set(locks.map(({ path }) => path))].slice(0, PATHS_SHOWN_MAX),
  };
}
