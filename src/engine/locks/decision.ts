import {
  attendRequest,
  deleteRequests,
  insertRequest,
  type LockRequest,
  type Party,
  requestsOfAgents,
} from "../../store/locks/requests.js";
import { deleteLocks, insertLocks, type Lock, locksOfRequests, renewLocks } from "../../store/locks/locks.js";
import type { LockMode } from "../../store/scheduling/file-sets.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { isOwn, type LockTable, type Obstacle, type Turn, type Wanted } from "./conflicts.js";
import type { Holder } from "./holders.js";
import type { LockChange } from "./lock-change.js";
import { type Conflict, conflictOf, lockLine, type LockLine } from "./views.js";
import { findDeadlock } from "./deadlock.js";
import { ageingBucket, PRIORITIES } from "../scheduling/order.js";
import type { PathPattern } from "../paths/paths.js";

/** Whether the caller queues: not at all, for so long from now, or no longer, now that it has waited. */
export type Wait =
  | { readonly kind: "none" }
  | { readonly kind: "for"; readonly ms: number }
  | { readonly kind: "over" };

export interface Acquired {
  readonly outcome: "granted" | "queued" | "denied" | "deadlock";
  /** Id of the queued request; null without one. */
  readonly request: string | null;
  readonly locks: readonly LockLine[];
  /** The first of them. */
  readonly conflicts: readonly Conflict[];
  readonly conflicts_total: number;
  /** In line: 1 is next. */
  readonly position?: number;
  /** The owners that wait for each other; the first again at the end. */
  readonly cycle?: readonly Party[];
}

/** The request, its owner, and the locks at its paths. */
export interface Decision {
  readonly ctx: EngineContext;
  readonly change: LockChange;
  readonly project: string;
  readonly holder: Holder;
  readonly patterns: readonly PathPattern[];
  readonly request: {
    readonly mode: LockMode;
    readonly ttlMs: number;
    readonly reason?: string | undefined;
    readonly wait: Wait;
  };
  readonly table: LockTable;
  /** The same request's place in line. */
  readonly place: LockRequest | undefined;
}

/** Grants, queues, denies or refuses, whole. */
export function* decide(decision: Decision): Tx<Acquired> {
  const { ctx, table, holder, patterns, request, place } = decision;
  const wanted: Wanted = {
    by: holder.asking,
    patterns: patterns.map((pattern) => ({ pattern, mode: request.mode })),
    turn: place ? { position: place.position, askedAt: place.askedAt, id: place.id } : newTurn(ctx, holder),
  };
  const obstacles = table.obstacles(wanted);
  const waits = obstacles.length > 0;
  if (waits && request.wait.kind !== "for") return yield* deny(decision, obstacles);
  if (waits || (yield* overtakesWhileWaiting(decision))) {
    const blockers = obstacles.map(({ lock }) => lock);
    const cycle = yield* findDeadlock(ctx, { project: decision.project, wanted, blockers });
    if (cycle) return yield* refuse(decision, obstacles, cycle);
  }
  return waits ? yield* stayInLine(decision, obstacles, wanted.turn) : yield* grant(decision);
}

/** As a task that is ready from now on; without a task, as one of normal priority. */
function newTurn(ctx: EngineContext, { priority }: Holder): Turn {
  const position = ageingBucket(ctx.now, priority ?? PRIORITIES.normal, ctx.settings.ageing_ms);
  return { position, askedAt: ctx.now, id: "" };
}

/** Whether a grant would come before others who wait for it while its party itself waits for something else. */
function* overtakesWhileWaiting({ project, holder, patterns, table, request, place }: Decision): Tx<boolean> {
  const { asking } = holder;
  const overtakes = patterns
    .flatMap((pattern) => table.overlapping(pattern))
    .some(
      (lock) =>
        lock.state === "queued" && !isOwn(lock, asking) && !(lock.mode === "shared" && request.mode === "shared"),
    );
  if (!overtakes) return false;
  const waitsFor = yield* requestsOfAgents(project, [asking.agent]);
  return waitsFor.some((other) => isOwn(other, asking) && other.id !== place?.id);
}

/** Renews what the party holds already and locks the rest. */
function* grant({ ctx, change, holder, patterns, table, request, place }: Decision): Tx<Acquired> {
  const { asking, run } = holder;
  const session = ctx.caller.session?.id ?? null;
  const expiresAt = ctx.now + request.ttlMs;
  if (place) {
    const inLine = yield* locksOfRequests(ctx.now, [place.id]);
    yield* deleteLocks(inLine.filter(({ state }) => state !== "held").map(({ id }) => id));
    yield* deleteRequests([place.id]);
  }
  const renewed: Lock[] = [];
  const fresh: PathPattern[] = [];
  for (const pattern of patterns) {
    const { exact } = table.ownOn(pattern, asking);
    if (exact) renewed.push(exact);
    else fresh.push(pattern);
  }
  if (place && fresh.length === 0) change.free(place.id);
  const { mode } = request;
  yield* renewLocks(
    renewed.map(({ id }) => id),
    { expiresAt, session, mode },
  );
  const made = yield* change.hold({
    request: place?.id ?? ctx.newId("lock"),
    ...asking,
    run,
    session,
    reason: request.reason ?? null,
    patterns: fresh.map((pattern) => ({ pattern, mode })),
    expiresAt,
  });
  const again = renewed.map((lock) => renewedLock(lock, { expiresAt, mode }));
  noteUpgrades(
    change,
    renewed.filter((lock) => lock.mode === "shared" && mode === "exclusive"),
  );
  const locks = [...again, ...made].sort((a, b) => (a.path < b.path ? -1 : 1)).map(lockLine);
  return { outcome: "granted", request: null, locks, conflicts: [], conflicts_total: 0 };
}

function renewedLock(lock: Lock, to: { expiresAt: number; mode: LockMode }): Lock {
  const expiresAt = lock.expiresAt === null ? null : Math.max(lock.expiresAt, to.expiresAt);
  return { ...lock, expiresAt, mode: to.mode === "exclusive" ? "exclusive" : lock.mode };
}

function noteUpgrades(change: LockChange, upgraded: readonly Lock[]): void {
  for (const { agent, task, run, request, path, token } of upgraded) {
    const data = { request, upgraded: true, locks: [{ path, mode: "exclusive", token }] };
    change.note({ type: "lock.granted", agent, task, run, data });
  }
}

/** Does not queue. Who is in line already keeps the place, which lives on from this call. */
function* deny({ ctx, request, place }: Decision, obstacles: readonly Obstacle[]): Tx<Acquired> {
  if (!place) return { outcome: "denied", request: null, locks: [], ...blocking(obstacles) };
  yield* attendRequest({
    id: place.id,
    session: ctx.caller.session?.id ?? null,
    presentUntil: ctx.now,
    placeExpiresAt: ctx.now + ctx.settings.lock_place_ms,
  });
  const outcome = request.wait.kind === "over" ? "queued" : "denied";
  return { outcome, request: place.id, locks: [], ...blocking(obstacles), position: positionAmong(obstacles) };
}

function* refuse(
  { change, place, holder, request, patterns }: Decision,
  obstacles: readonly Obstacle[],
  cycle: Party[],
): Tx<Acquired> {
  if (place) {
    yield* change.withdraw(new Set([place.id]), "deadlock");
    yield* change.serve();
  }
  const { agent, task } = holder.asking;
  const data = { mode: request.mode, paths: patterns.map(({ path }) => path), cycle };
  change.note({ type: "lock.deadlock", agent, task, run: holder.run, data });
  return { outcome: "deadlock", request: null, locks: [], ...blocking(obstacles), cycle };
}

/** Takes a place in line, or stays in the one it has, and is there to be served until the wait is over. */
function* stayInLine(
  { ctx, change, project, holder, patterns, request, place }: Decision,
  obstacles: readonly Obstacle[],
  turn: Turn,
): Tx<Acquired> {
  const waitMs = request.wait.kind === "for" ? request.wait.ms : 0;
  const position = positionAmong(obstacles);
  const { agent, task } = holder.asking;
  const attendance = {
    id: place?.id ?? ctx.newId("lockreq"),
    session: ctx.caller.session?.id ?? null,
    presentUntil: ctx.now + waitMs,
    placeExpiresAt: ctx.now + waitMs + ctx.settings.lock_place_ms,
  };
  if (place) {
    yield* attendRequest(attendance);
  } else {
    const common = {
      project,
      agent,
      task,
      mode: request.mode,
      reason: request.reason ?? null,
      state: "queued",
    } as const;
    const keys = patterns.map(({ key }) => key);
    yield* insertRequest({
      ...common,
      ...attendance,
      keys,
      ttlMs: request.ttlMs,
      position: turn.position,
      askedAt: ctx.now,
    });
    const group = { ...common, request: attendance.id, session: attendance.session, run: holder.run };
    yield* insertLocks(
      patterns.map((pattern) => change.newLock(group, pattern, { ...QUEUED, mode: request.mode, since: ctx.now })),
    );
    const data = { request: attendance.id, mode: request.mode, paths: patterns.map(({ path }) => path), position };
    change.note({ type: "lock.queued", agent, task, run: holder.run, data });
  }
  return { outcome: "queued", request: attendance.id, locks: [], ...blocking(obstacles), position };
}

const QUEUED = { state: "queued", token: 0, expiresAt: null } as const;

const CONFLICTS_SHOWN_MAX = 20;

function blocking(obstacles: readonly Obstacle[]): Pick<Acquired, "conflicts" | "conflicts_total"> {
  return { conflicts: obstacles.slice(0, CONFLICTS_SHOWN_MAX).map(conflictOf), conflicts_total: obstacles.length };
}

function positionAmong(obstacles: readonly Obstacle[]): number {
  const ahead = obstacles.filter(({ lock }) => lock.state !== "held").map(({ lock }) => lock.request);
  return 1 + new Set(ahead).size;
}
