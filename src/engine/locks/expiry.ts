import { runsParkedOn } from "../../store/scheduling/lanes.js";
import { lockProject, lockRuns } from "../../store/lock-order.js";
import { lapsedRequests, projectsToLapse } from "../../store/locks/requests.js";
import {
  expiredLocks,
  type Lock,
  locksOfRequests,
  projectsToExpire,
  untaskedLocksOfAgent,
  untaskedLocksOfSession,
} from "../../store/locks/locks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { unpark } from "../scheduling/parking.js";
import { LockChange } from "./lock-change.js";

/** Projects whose locks, offers or queue entries have expired, at most `limit` of each. Two reads of an index. */
export function* projectsWithLocksDue(ctx: EngineContext, limit: number): Tx<string[]> {
  const expired = yield* projectsToExpire(ctx.now, limit);
  return [...new Set([...expired, ...(yield* projectsToLapse(ctx.now, limit))])];
}

/**
 * Part of the tick: breaks locks and offers of a project that are over and lets queue entries lapse, at most `limit` of each, and
 * serves those who wait. Writes only if something is due. Gives how many went.
 */
export function* expireLocks(ctx: EngineContext, project: string, limit: number): Tx<number> {
  yield* lockProject(project);
  const locks = yield* expiredLocks(ctx.now, project, limit);
  const lapsed = yield* lapsedRequests(ctx.now, project, limit);
  const lapsedEntries = (yield* locksOfRequests(ctx.now, lapsed)).filter(({ state }) => state !== "held");
  const change = new LockChange(ctx, project);
  yield* change.breakStale([...locks, ...lapsedEntries], null);
  yield* change.serve();
  yield* change.settle();
  yield* change.flush();
  return locks.length + lapsed.length;
}

/**
 * Releases what a session that has ended held without a task, in every project, and serves those who wait. Its own
 * transaction, or the beginning of one: it locks projects and runs. Gives how many locks went.
 */
export function* releaseSessionLocks(ctx: EngineContext, session: string): Tx<number> {
  return yield* releaseEverywhere(
    ctx,
    () => untaskedLocksOfSession(ctx.now, session),
    (change, locks) => change.breakStale(locks, null),
  );
}

/** Releases what an unregistered agent held without a task, and withdraws its requests; otherwise as for a session. */
export function* releaseAgentLocks(ctx: EngineContext, agent: string): Tx<number> {
  return yield* releaseEverywhere(
    ctx,
    () => untaskedLocksOfAgent(ctx.now, agent),
    function* (change, locks) {
      yield* change.release(
        locks.filter(({ state }) => state === "held"),
        "unregistered",
      );
      const waiting = locks.filter(({ state }) => state !== "held").map(({ request }) => request);
      yield* change.withdraw(new Set(waiting), "unregistered");
    },
  );
}

/**
 * Releases what an agent holds without a task, and serves those who wait; its requests stay in line. Its own transaction. Returns the
 * paths, in order.
 */
export function* releaseUntaskedLocks(ctx: EngineContext, agent: string): Tx<string[]> {
  const released = new Set<string>();
  yield* releaseEverywhere(
    ctx,
    () => untaskedLocksOfAgent(ctx.now, agent),
    function* (change, locks) {
      const held = locks.filter(({ state }) => state === "held");
      for (const { path } of held) released.add(path);
      yield* change.release(held, "task_failed");
    },
  );
  return [...released].sort();
}

/** Whether an agent holds locks without a task. */
export function* holdsUntaskedLocks(ctx: EngineContext, agent: string): Tx<boolean> {
  return (yield* untaskedLocksOfAgent(ctx.now, agent)).some(({ state }) => state === "held");
}

function* releaseEverywhere(
  ctx: EngineContext,
  read: () => Tx<Lock[]>,
  end: (change: LockChange, locks: readonly Lock[]) => Tx<void>,
): Tx<number> {
  const ordered = [...new Set((yield* read()).map(({ project }) => project))].sort();
  for (const project of ordered) yield* lockProject(project);
  // Read again under the lock: no other transaction can change them now.
  const locks = yield* read();
  const changes: LockChange[] = [];
  for (const project of ordered) {
    const change = new LockChange(ctx, project);
    yield* end(
      change,
      locks.filter((lock) => lock.project === project),
    );
    yield* change.serve();
    changes.push(change);
  }
  yield* settleAll(changes);
  for (const change of changes) yield* change.flush();
  return locks.length;
}

/** Runs of all projects are locked at once: their order is one. */
function* settleAll(changes: readonly LockChange[]): Tx<void> {
  const runs = new Set<string>();
  for (const change of changes) for (const run of yield* runsParkedOn(change.freed)) runs.add(run);
  yield* lockRuns([...runs]);
  for (const change of changes) yield* unpark(change.freed, runs);
}
