import { type Lock, locksOfTask } from "../../store/locks/locks.js";
import type { NewEvent } from "../../store/events/events.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import {
  excludes,
  isOwn,
  locksMet,
  type LockSpace,
  nearbyLocks,
  LockTable,
  type MetLock,
  patternOf,
  type Obstacle,
  type QueuePosition,
  unlessTooMuch,
  type WantedLocks,
} from "./conflicts.js";
import { LockChange } from "./lock-change.js";
import { type Conflict, conflictOf, lockLine, type LockLine } from "./views.js";
import { grouped } from "../../base/lists/groups.js";
import { overlaps } from "../paths/paths.js";
import { type ModedPattern, patternsOfScope } from "../paths/file-sets.js";

export interface ScopeRequest {
  readonly project: LockSpace;
  readonly task: string;
  readonly run?: string | undefined;
  readonly agent: string;
  readonly session: string | null;
  readonly patterns: readonly ModedPattern[];
  /** The task's position in the order. Without one every queued request is served before it. */
  readonly queuePosition?: Omit<QueuePosition, "id"> | undefined;
}

export type ScopeLocked =
  /** With the locks of others that they meet without waiting for them. */
  | { readonly granted: readonly LockLine[]; readonly met: readonly MetLock[]; readonly events: readonly NewEvent[] }
  /** The request to park the scope on, and what it stands for. */
  | {
      readonly blockedBy: string;
      readonly conflict: Conflict;
      /** False where so many globs meet so many locks that they were not compared. */
      readonly compared: boolean;
    };

/**
 * Locks all files of a task that is being claimed, or none: what it writes exclusive, what it reads shared, for as long
 * as the task is held. The caller has locked the project and the run, and may lock no other run any more: so a stale
 * lock is left to the tick, which frees what is parked on it.
 */
export function* lockScope(ctx: EngineContext, request: ScopeRequest): Tx<ScopeLocked> {
  const { agent, task, session, patterns } = request;
  const { locks: near, whole } = yield* nearbyLocks(
    ctx.now,
    request.project,
    patterns.map(({ pattern }) => pattern),
  );
  // Locks that the agent holds without a task count as its own.
  const by = { agent, task, ownsUntasked: true };
  const wanted = { by, patterns, queuePosition: positionOrLast(request) };
  const table = whole ? new LockTable(ctx.now, near) : undefined;
  const obstacles = table && unlessTooMuch(() => table.obstacles(wanted));
  // Too much to compare: it waits for a lock nearby, with whose end there is less of it.
  const first = obstacles ? nearestOf(obstacles) : obstacleNearby(near, wanted);
  if (first) return { blockedBy: first.lock.request, conflict: conflictOf(first), compared: obstacles !== undefined };
  const change = new LockChange(ctx, request.project.id);
  const held = yield* change.hold({
    request: ctx.newId("lock"),
    agent,
    task,
    run: request.run ?? null,
    session,
    patterns,
    expiresAt: null,
    reason: null,
  });
  const hasIntents = near.some(({ mode }) => mode === "intent");
  const met = (hasIntents && table && unlessTooMuch(() => locksMet(table, wanted))) || [];
  return { granted: held.map(lockLine), met, events: change.drainEvents() };
}

function nearestOf(obstacles: readonly Obstacle[]): Obstacle | undefined {
  return obstacles.find(({ lock }) => lock.state !== "queued") ?? obstacles[0];
}

function obstacleNearby(near: readonly Lock[], { by, patterns }: WantedLocks): Obstacle | undefined {
  const lock = near.find((one) => one.state === "held" && !isOwn(one, by)) ?? near[0];
  const [first] = patterns;
  return lock && first && { pattern: first.pattern, lock };
}

/** After every queued request. */
const LAST: Omit<QueuePosition, "id"> = { position: Number.MAX_SAFE_INTEGER, askedAt: Number.MAX_SAFE_INTEGER };

function positionOrLast({ queuePosition }: Pick<ScopeRequest, "queuePosition">): QueuePosition {
  return { ...(queuePosition ?? LAST), id: "" };
}

export interface ScopeQuery extends Pick<ScopeRequest, "project" | "queuePosition" | "agent"> {
  readonly scope: string;
}

/**
 * Returns the conflicts that keep an agent from locking a task's files now, with a claim; empty when there are none, undefined where
 * that is too much to compare.
 */
export function* conflictsOfScope(ctx: EngineContext, request: ScopeQuery): Tx<Conflict[] | undefined> {
  const patterns = yield* patternsOfScope(request.scope);
  const { locks: near, whole } = yield* nearbyLocks(
    ctx.now,
    request.project,
    patterns.map(({ pattern }) => pattern),
  );
  if (!whole) return undefined;
  const by = { agent: request.agent, task: null, ownsUntasked: true };
  const wanted = { by, patterns, queuePosition: positionOrLast(request) };
  return unlessTooMuch(() => new LockTable(ctx.now, near).obstacles(wanted).map(conflictOf));
}

/** The files locked for a task, in order of their paths. */
export function* locksHeldBy(task: string): Tx<LockLine[]> {
  const held = (yield* locksOfTask(task)).filter(isHeld);
  return held.sort((a, b) => (a.path < b.path ? -1 : 1)).map(lockLine);
}

/**
 * Releases what a task holds and takes its requests out of the line; those who wait are served. The caller has locked
 * the project, read the locks since, and locked the runs parked on them. Gives the requests that were freed, always the task's
 * own, and what the history is to say.
 */
export function* releaseTaskLocks(
  ctx: EngineContext,
  project: string,
  locks: readonly Lock[],
): Tx<{ freed: string[]; events: NewEvent[] }> {
  if (locks.length === 0) return { freed: [], events: [] };
  const change = new LockChange(ctx, project);
  yield* change.release(locks.filter(isHeld), "task_ended");
  yield* change.withdraw(new Set(locks.filter((lock) => !isHeld(lock)).map(({ request }) => request)), "task_ended");
  yield* change.serve();
  return { freed: change.freed, events: change.drainEvents() };
}

/** The next holder of what a task holds. */
export interface LockHeir {
  readonly agent: string;
  readonly session: string | null;
}

/**
 * Moves the locks of a task to another agent under new tokens, and with them those that its holder has without a task on the same files.
 * Requests of the task in line end. The caller holds the same rows as for `releaseTaskLocks`. Returns the requests that were freed.
 */
export function* moveTaskLocks(
  ctx: EngineContext,
  { space, locks, from }: { readonly space: LockSpace; readonly locks: readonly Lock[]; readonly from: string },
  heir: LockHeir,
): Tx<{ freed: string[]; events: NewEvent[] }> {
  const change = new LockChange(ctx, space.id);
  const held = locks.filter(isHeld);
  const patterns = held.map(patternOf);
  const { locks: near } = yield* nearbyLocks(ctx.now, space, patterns);
  const untasked = near.filter(
    (lock) =>
      lock.agent === from &&
      lock.task === null &&
      isHeld(lock) &&
      patterns.some((one) => overlaps(one, patternOf(lock))),
  );
  const moved = [...held, ...(yield* movable(ctx, space, { untasked, held, from }))];
  yield* change.release([...held, ...untasked], "handed_over");
  for (const group of grouped(moved, ({ request }) => request).values()) {
    const [lock] = group;
    const modes = group.map((one) => ({ pattern: patternOf(one), mode: one.mode }));
    if (lock) yield* change.hold({ ...lock, ...heir, patterns: modes });
  }
  const kept = new Set(moved.map(({ request }) => request));
  yield* change.withdraw(new Set(locks.filter((lock) => !isHeld(lock)).map(({ request }) => request)), "task_ended");
  yield* change.serve();
  return { freed: change.freed.filter((request) => !kept.has(request)), events: change.drainEvents() };
}

/**
 * The locks without a task that can be the heir's beside what their holder keeps: an agent's own locks may overlap, those of two agents
 * may not. One that can be neither's is given up.
 */
function* movable(
  ctx: EngineContext,
  space: LockSpace,
  {
    untasked,
    held,
    from,
  }: { readonly untasked: readonly Lock[]; readonly held: readonly Lock[]; readonly from: string },
): Tx<readonly Lock[]> {
  if (untasked.length === 0) return [];
  const moving = new Set([...held, ...untasked].map(({ id }) => id));
  const { locks } = yield* nearbyLocks(ctx.now, space, untasked.map(patternOf));
  const kept = locks.filter((lock) => lock.agent === from && isHeld(lock) && !moving.has(lock.id));
  const clashes = (a: Lock, b: Lock) => excludes(a.mode, b.mode) && overlaps(patternOf(a), patternOf(b));
  return untasked.filter((lock) => !kept.some((other) => clashes(lock, other)));
}

function isHeld(lock: Lock): boolean {
  return lock.state === "held";
}
