import { grouped } from "../../base/lists/groups.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import { anyoneInLine, deleteRequests, offerRequest } from "../../store/locks/requests.js";
import {
  deleteLocks,
  drawTokens,
  insertLocks,
  type Lock,
  locksOfRequests,
  type NewLock,
  offerLocks,
  onlyRunningTasks,
} from "../../store/locks/locks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { lockRunsParkedOn, unpark } from "../scheduling/parking.js";
import { isEarlier, isStale, nearbyLocks, LockTable, patternOf, queuePositionOf, unlessTooMuch } from "./conflicts.js";
import type { PathPattern } from "../paths/paths.js";
import type { ModedPattern } from "../paths/file-sets.js";

/** A request that got its locks. */
export interface Served {
  readonly agent: string;
  readonly paths: readonly string[];
}

/** Locks to be held from now on, under new tokens. */
export interface Grant extends LockGroup, Pick<Lock, "expiresAt"> {
  /** Default: the project of the change. */
  readonly project?: string;
  readonly patterns: readonly ModedPattern[];
  /** Whether another's call freed them for a request in line, whose own call has yet to answer. */
  readonly fromQueue?: boolean;
}

/** Fields that the rows of a group share. */
type LockGroup = Pick<Lock, "request" | "agent" | "task" | "run" | "session" | "reason"> & {
  readonly project?: string;
};

/** Fields that may differ between the rows of a group. */
export type LockFields = Pick<NewLock, "mode" | "state" | "token" | "since" | "expiresAt">;

/**
 * Changes the locks of a project whose row is locked, in one transaction: frees locks, serves the queue in order, and
 * writes events and unparked work. Runs are locked once, at the end, in the one order.
 */
export class LockChange {
  readonly granted: Served[] = [];
  readonly offered: Served[] = [];
  readonly #ctx: EngineContext;
  readonly #project: string;
  readonly #events: NewEvent[] = [];
  readonly #freed = new Set<string>();
  #vacated: PathPattern[] = [];
  #outermost: string | null | undefined;

  constructor(ctx: EngineContext, project: string) {
    this.#ctx = ctx;
    this.#project = project;
  }

  /** The requests that lost a lock or their queue entry: file sets parked on them return to their lanes. */
  get freed(): string[] {
    return [...this.#freed];
  }

  /** Records an event of the project, or of the one that it names. */
  record(event: Omit<NewEvent, "project"> & { readonly project?: string }): void {
    this.#events.push({ ...event, project: event.project ?? this.#project });
  }

  /** Tells of a request that is gone, though its locks go on under another. */
  free(request: string): void {
    this.#freed.add(request);
  }

  /** Ends held locks. The history says why, for each holder. */
  *release(
    locks: readonly Lock[],
    why: "released" | "task_ended" | "task_failed" | "hung_up" | "unregistered" | "handed_over",
  ): Tx<void> {
    yield* this.#remove(locks);
    for (const own of byOwner(locks))
      this.record({ type: "lock.released", ...ownerOf(own), data: { why, locks: linesOf(own) } });
  }

  /** Breaks locks that have outlived their time or their holder, or whose holder is silent, in favour of a requester. */
  *breakStale(locks: readonly Lock[], brokenFor: string | null, because?: "silent"): Tx<void> {
    const held = locks.filter((lock) => lock.state === "held");
    yield* this.#remove(held);
    for (const own of byOwner(held)) {
      const gone = own.some((lock) => lock.expiresAt === null || lock.expiresAt > this.#ctx.now);
      const data = {
        why: because ?? (gone ? "session_gone" : "expired"),
        held_by: own[0]?.agent,
        broken_for: brokenFor,
        locks: linesOf(own),
      };
      this.record({ type: "lock.broken", ...ownerOf(own), data });
    }
    yield* this.withdraw(
      new Set(locks.filter(({ state }) => state !== "held").map(({ request }) => request)),
      "lapsed",
    );
  }

  /** Takes requests out of the line, whole. Gives the paths they asked for. */
  *withdraw(
    requests: ReadonlySet<string>,
    why: "released" | "lapsed" | "task_ended" | "deadlock" | "unregistered",
  ): Tx<string[]> {
    if (requests.size === 0) return [];
    const locks = (yield* locksOfRequests(this.#ctx.now, [...requests])).filter(({ state }) => state !== "held");
    yield* this.#remove(locks);
    yield* deleteRequests([...requests]);
    for (const own of byRequest(locks).values()) {
      const { request, state } = own[0] ?? { request: "", state: "queued" };
      const data = { why, request, was: state, paths: own.map(({ path }) => path) };
      this.record({ type: "lock.withdrawn", ...ownerOf(own), data });
    }
    return locks.map(({ path }) => path);
  }

  /** Has the paths of these locks served with the next freed ones: their requests were put in another order. */
  look(locks: readonly Lock[]): void {
    this.#vacated.push(...locks.map(patternOf));
  }

  /** Makes locks that nothing stands in the way of. */
  *hold(grant: Grant): Tx<Lock[]> {
    if (grant.patterns.length === 0) return [];
    const { now } = this.#ctx;
    const first = yield* drawTokens(grant.project ?? this.#project, grant.patterns.length);
    const { expiresAt } = grant;
    const locks = grant.patterns.map(({ pattern, mode }, i) =>
      this.newLock(grant, pattern, { mode, state: "held", token: first + i, since: now, expiresAt }),
    );
    yield* insertLocks(locks);
    this.record({
      type: "lock.granted",
      ...(grant.project !== undefined && { project: grant.project }),
      agent: grant.agent,
      task: grant.task,
      run: grant.run,
      data: {
        request: grant.request,
        locks: linesOf(locks),
        expires_at: expiresAt,
        ...(grant.fromQueue === true && { from_queue: true }),
      },
    });
    return locks;
  }

  /** Returns a row of a group, as a later read would find it but for its queue entry. */
  newLock(group: LockGroup, pattern: PathPattern, state: LockFields): NewLock & Lock {
    return {
      id: this.#ctx.newId("lock"),
      project: group.project ?? this.#project,
      request: group.request,
      path: pattern.path,
      kind: pattern.kind,
      prefix: pattern.prefix,
      // A path that is its own key stays so whatever the file system.
      caseInsensitive: pattern.key !== pattern.path,
      agent: group.agent,
      task: group.task,
      run: group.run,
      session: group.session,
      reason: group.reason,
      ...state,
      outermost: this.#outermost ?? null,
      sessionGone: false,
      queueEntry: null,
    };
  }

  /**
   * Serves freed paths to the queue in order: a requester that is present gets its locks at once, an absent one gets an
   * offer. A request is served only whole. Stale locks are left to the next request that touches them and to the tick,
   * so that serving frees nothing more.
   */
  *serve(): Tx<void> {
    const vacated = this.#vacated;
    this.#vacated = [];
    // One check whether the queue is empty, as it mostly is, spares the search around each path.
    if (vacated.length === 0 || !(yield* anyoneInLine(this.#project))) return;
    const { now } = this.#ctx;
    // Freeing must not fail: where there is too much to look through, those that were read are served; the others ask again.
    const nearby = yield* nearbyLocks(now, { id: this.#project, outermost: this.#outermost }, vacated);
    const touched = new LockTable(
      now,
      nearby.locks.filter(({ state }) => state === "queued"),
    );
    const meeting = unlessTooMuch(() => vacated.flatMap((pattern) => touched.overlapping(pattern))) ?? touched.all();
    const requests = new Set(meeting.map(({ request }) => request));
    if (requests.size === 0) return;
    const waiting = (yield* locksOfRequests(now, [...requests])).filter((lock) => !isStale(lock, now));
    const only = yield* onlyRunningTasks([...new Set(waiting.map(({ agent }) => agent))].sort());
    const inOrder = [...byRequest(waiting).values()].sort(byQueuePosition);
    const byProject = grouped(waiting, ({ project }) => project);
    const tables = new Map<string, LockTable>();
    for (const locks of inOrder) {
      const project = locks[0]?.project ?? this.#project;
      const table = tables.get(project) ?? (yield* this.#tableOf(byProject.get(project) ?? []));
      if (!table) continue;
      tables.set(project, table);
      // Of projects inside of each other each reads anew what the other was given.
      if (yield* this.#serveOne(locks, { table, only }))
        for (const other of byProject.keys()) if (other !== project) tables.delete(other);
    }
  }

  *#tableOf(waiting: readonly Lock[]): Tx<LockTable | undefined> {
    const { now } = this.#ctx;
    const [{ project, outermost } = { project: this.#project, outermost: this.#outermost }] = waiting;
    const { locks, whole } = yield* nearbyLocks(now, { id: project, outermost }, waiting.map(patternOf));
    return whole ? new LockTable(now, locks) : undefined;
  }

  /** Whether the request was granted or offered its locks. */
  *#serveOne(locks: readonly Lock[], near: { table: LockTable; only: ReadonlyMap<string, string> }): Tx<boolean> {
    const [lock] = locks;
    if (!lock?.queueEntry) return false;
    const { agent, task } = lock;
    const patterns = locks.map((one) => ({ pattern: patternOf(one), mode: one.mode }));
    const by = { agent, task, ownsUntasked: task !== null && near.only.get(agent) === task };
    const wanted = { by, patterns, queuePosition: queuePositionOf(lock) };
    if (unlessTooMuch(() => near.table.obstacles(wanted))?.length !== 0) return false;
    for (const one of locks) near.table.remove(one);
    const isThere = lock.queueEntry.presentUntil > this.#ctx.now && !lock.sessionGone;
    for (const one of yield* isThere ? this.#grantTo(lock, locks) : this.#offerTo(lock, locks)) near.table.add(one);
    return true;
  }

  *#grantTo(lock: Lock, locks: readonly Lock[]): Tx<Lock[]> {
    yield* deleteLocks(locks);
    yield* deleteRequests([lock.request]);
    this.granted.push({ agent: lock.agent, paths: locks.map(({ path }) => path) });
    return yield* this.hold({
      ...lock,
      patterns: locks.map((one) => ({ pattern: patternOf(one), mode: one.mode })),
      expiresAt: this.#ctx.now + (lock.queueEntry?.ttlMs ?? 0),
      fromQueue: true,
    });
  }

  *#offerTo(lock: Lock, locks: readonly Lock[]): Tx<Lock[]> {
    const until = this.#ctx.now + this.#ctx.settings.lock_offer_ms;
    yield* offerRequest(lock.request, until);
    yield* offerLocks(lock.request, until);
    const paths = locks.map(({ path }) => path);
    this.offered.push({ agent: lock.agent, paths });
    const data = { request: lock.request, mode: lock.mode, paths, until };
    this.record({ type: "lock.offered", project: lock.project, ...ownerOf(locks), data });
    return locks.map((one) => ({ ...one, state: "offered", expiresAt: until }));
  }

  *#remove(locks: readonly Lock[]): Tx<void> {
    yield* deleteLocks(locks);
    for (const lock of locks) {
      this.#freed.add(lock.request);
      this.#vacated.push(patternOf(lock));
      this.#outermost = lock.outermost;
    }
  }

  /** Locks the runs that the freed locks keep work of parked, and the others named, and brings that work back. */
  *settle(also: readonly string[] = []): Tx<void> {
    if (this.#freed.size === 0 && also.length === 0) return;
    const locked = yield* lockRunsParkedOn(this.freed, also);
    yield* unpark(this.freed, locked);
  }

  /** Writes the history. */
  *flush(): Tx<void> {
    yield* appendEvents(this.#ctx, this.drainEvents());
  }

  /** Returns the events for a transaction that has more of them and writes all at once. */
  drainEvents(): NewEvent[] {
    return this.#events.splice(0);
  }
}

function ownerOf(locks: readonly Lock[]): Pick<NewEvent, "agent" | "task" | "run"> {
  const [lock] = locks;
  return lock ? { agent: lock.agent, task: lock.task, run: lock.run } : {};
}

function linesOf(locks: readonly Lock[]) {
  return locks.map(({ path, mode, token }) => ({ path, mode, token }));
}

function byOwner(locks: readonly Lock[]): Lock[][] {
  return [...grouped(locks, ({ agent, task }) => `${agent}/${task ?? ""}`).values()];
}

function byRequest(locks: readonly Lock[]): Map<string, Lock[]> {
  return grouped(locks, ({ request }) => request);
}

function byQueuePosition([a]: readonly Lock[], [b]: readonly Lock[]): number {
  if (!a || !b) return 0;
  return isEarlier(queuePositionOf(a), queuePositionOf(b)) ? -1 : 1;
}
