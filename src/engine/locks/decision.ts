import type { LockMode } from "../../base/statuses.js";
import { iso } from "../../base/time.js";
import { silentSince } from "../../store/agents/agents.js";
import {
  attendRequest,
  deleteRequests,
  insertRequest,
  type LockRequest,
  type LockOwner,
  requestsOfAgents,
} from "../../store/locks/requests.js";
import { deleteLocks, insertLocks, type Lock, locksOfRequests, renewLocks } from "../../store/locks/locks.js";
import { nothing, together, type Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import {
  excludes,
  isOwn,
  keepsOut,
  locksMet,
  type LockTable,
  type MetLock,
  type Obstacle,
  patternOf,
  type QueuePosition,
  stronger,
  type WantedLocks,
} from "./conflicts.js";
import type { Holder } from "./holders.js";
import type { LockChange } from "./lock-change.js";
import { type Conflict, conflictsOf, lockLine, type LockLine, type Silences } from "./views.js";
import { silenceView } from "../agents/presence.js";
import { wantFiles } from "../agents/wants.js";
import { requireLockCapacity, requireQueueCapacity } from "./capacity.js";
import { findDeadlock } from "./deadlock.js";
import { ageingBucket, PRIORITIES } from "../scheduling/order.js";
import type { PathPattern } from "../paths/paths.js";

/** Whether the caller queues: not at all, for so long from now, or no longer, now that it has waited. */
export type Wait =
  | { readonly kind: "none" }
  | { readonly kind: "for"; readonly ms: number }
  /** With the id that its request had in line: locks that were granted under it meanwhile are this call's. */
  | { readonly kind: "over"; readonly request: string };

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
  /** When its place in line lapses unless the same call is made again. */
  readonly kept_until?: string;
  /** Locks of others that those granted by this call meet without waiting: the conflicts of a grant. Each is told to its holder once. */
  readonly met?: { readonly project: string; readonly locks: readonly MetLock[] };
  /** Key of the caller's task, where that is asked to give way to another. */
  readonly preempted?: string;
  /** Locks of others that keep the agent from editing files on which it was granted an intent. */
  readonly keptOut?: readonly Conflict[];
  /** Whether some of the locks were held already, on this very connection. */
  readonly shared?: boolean;
  /** The owners that wait for each other; the first again at the end. */
  readonly cycle?: readonly LockOwner[];
}

/** The request, its owner, and the locks at its paths. */
export interface LockDecision {
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
  /** The same request, when it is queued already. */
  readonly queued: LockRequest | undefined;
}

/** Grants, queues, denies or refuses, whole. */
export function* decide(decision: LockDecision): Tx<Acquired> {
  const { ctx, table, holder, patterns, request, queued } = decision;
  const wanted: WantedLocks = {
    by: holder.requester,
    patterns: patterns.map((pattern) => ({ pattern, mode: request.mode })),
    queuePosition: queued
      ? { position: queued.position, askedAt: queued.askedAt, id: queued.id }
      : newQueuePosition(ctx, holder),
  };
  const obstacles = table.obstacles(wanted);
  const waits = obstacles.length > 0;
  const silent = waits ? yield* silentSince(obstacles.map(({ lock }) => lock.agent)) : NONE_SILENT;
  if (waits && request.wait.kind !== "for") return yield* deny(decision, { obstacles, silent });
  // Before the search for a cycle, which looks at all who wait nearby: a request that is refused anyway spares it.
  if (waits && !queued) yield* requireQueueCapacity(decision.project, patterns.length, table);
  if (waits || (yield* overtakesWhileWaiting(decision))) {
    const blockers = obstacles.map(({ lock }) => lock);
    const cycle = yield* findDeadlock(ctx, { project: decision.project, wanted, blockers });
    if (cycle) return yield* refuse(decision, { obstacles, silent }, cycle);
  }
  return waits ? yield* stayQueued(decision, { obstacles, silent }, wanted.queuePosition) : yield* grant(decision);
}

const NONE_SILENT: Silences = new Map();

/** The obstacles of a request, and which of their owners are silent. */
interface InTheWay {
  readonly obstacles: readonly Obstacle[];
  readonly silent: Silences;
}

/** As a task that is ready from now on; without a task, as one of normal priority. */
function newQueuePosition(ctx: EngineContext, { priority }: Holder): QueuePosition {
  const position = ageingBucket(ctx.now, priority ?? PRIORITIES.normal, ctx.settings.ageing_ms);
  return { position, askedAt: ctx.now, id: "" };
}

/** Whether a grant would come before others who wait for it while its requester itself waits for something else. */
function* overtakesWhileWaiting({ project, holder, patterns, table, request, queued }: LockDecision): Tx<boolean> {
  const { requester } = holder;
  const overtakes = patterns
    .flatMap((pattern) => table.overlapping(pattern))
    .some((lock) => lock.state === "queued" && !isOwn(lock, requester) && excludes(lock.mode, request.mode));
  if (!overtakes) return false;
  const waitsFor = yield* requestsOfAgents(project, [requester.agent]);
  return waitsFor.some((other) => isOwn(other, requester) && other.id !== queued?.id);
}

/** Renews what the requester holds already and locks the rest. */
function* grant({ ctx, change, project, holder, patterns, table, request, queued }: LockDecision): Tx<Acquired> {
  const { requester, run } = holder;
  const session = ctx.caller.session?.id ?? null;
  const expiresAt = ctx.now + request.ttlMs;
  if (queued) {
    const inQueue = yield* locksOfRequests(ctx.now, [queued.id]);
    yield* deleteLocks(inQueue.filter(({ state }) => state !== "held"));
    yield* deleteRequests([queued.id]);
  }
  const renewed: Lock[] = [];
  const fresh: PathPattern[] = [];
  for (const pattern of patterns) {
    const { exact } = table.ownOn(pattern, requester);
    if (exact) renewed.push(exact);
    else fresh.push(pattern);
  }
  if (queued && fresh.length === 0) change.free(queued.id);
  const { mode } = request;
  yield* renewLocks(renewed, { expiresAt, session, mode, at: ctx.now });
  const [made] = yield* together([
    change.hold({
      request: queued?.id ?? ctx.newId("lock"),
      ...requester,
      run,
      session,
      reason: request.reason ?? null,
      patterns: fresh.map((pattern) => ({ pattern, mode })),
      expiresAt,
    }),
    fresh.length === 0 ? nothing() : requireLockCapacity(project, fresh.length),
  ]);
  const again = renewed.map((lock) => renewedLock(lock, { expiresAt, mode }));
  const upgraded = renewed.filter((lock) => stronger(lock.mode, mode) !== lock.mode);
  recordUpgrades(change, upgraded, mode);
  const locks = [...again, ...made].sort((a, b) => (a.path < b.path ? -1 : 1)).map(lockLine);
  const shared = session !== null && renewed.some((lock) => lock.session === session);
  const by = { by: requester, patterns: patterns.map((pattern) => ({ pattern, mode })) };
  const all = locksMet(table, by);
  const { wait } = request;
  const collected = renewed.filter((lock) => wait.kind === "over" && lock.request === wait.request);
  const isNew = new Set([...fresh, ...[...upgraded, ...collected].map(patternOf)].map(({ key }) => key));
  const met = { project, locks: all.filter(({ pattern }) => isNew.has(pattern.key)) };
  const silent = all.length === 0 ? NONE_SILENT : yield* silentSince(all.map(({ lock }) => lock.agent));
  const own = (pattern: PathPattern) => table.overlapping(pattern).filter(({ agent }) => agent === requester.agent);
  const keptOut = conflictsOf(all.filter(({ pattern, lock }) => mode === "intent" && keepsOut(lock, own(pattern))));
  return {
    outcome: "granted",
    request: null,
    locks,
    ...(shared && { shared }),
    ...(keptOut.length > 0 && { keptOut }),
    met,
    ...blocking({ obstacles: all, silent }),
  };
}

function renewedLock(lock: Lock, to: { expiresAt: number; mode: LockMode }): Lock {
  const expiresAt = lock.expiresAt === null ? null : Math.max(lock.expiresAt, to.expiresAt);
  return { ...lock, expiresAt, mode: stronger(lock.mode, to.mode) };
}

function recordUpgrades(change: LockChange, upgraded: readonly Lock[], mode: LockMode): void {
  for (const { agent, task, run, request, path, token } of upgraded) {
    const data = { request, upgraded: true, locks: [{ path, mode, token }] };
    change.record({ type: "lock.granted", agent, task, run, data });
  }
}

/** Denies without queueing. A request that is queued already keeps its entry, whose time starts anew with this call. */
function* deny(
  { ctx, change, project, holder, patterns, request, queued }: LockDecision,
  { obstacles, silent }: InTheWay,
): Tx<Acquired> {
  const { agent, task } = holder.requester;
  if (silent.size > 0) {
    const paths = patterns.map(({ path }) => ({ path, mode: request.mode }));
    yield* wantFiles(ctx, { agent, project, paths });
  }
  if (!queued) {
    const paths = patterns.slice(0, PATHS_TOLD_MAX).map(({ path }) => path);
    const conflicts = obstacles
      .slice(0, CONFLICTS_TOLD_MAX)
      .map(({ lock }) => ({ path: lock.path, held_by: lock.agent }));
    const data = { mode: request.mode, paths, conflicts, conflicts_total: obstacles.length };
    change.record({ type: "lock.denied", agent, task, run: holder.run, data });
    return { outcome: "denied", request: null, locks: [], ...blocking({ obstacles, silent }) };
  }
  const placeExpiresAt = ctx.now + ctx.settings.lock_place_ms;
  yield* attendRequest({
    id: queued.id,
    session: ctx.caller.session?.id ?? null,
    presentUntil: ctx.now,
    placeExpiresAt,
  });
  const outcome = request.wait.kind === "over" ? "queued" : "denied";
  const position = positionAmong(obstacles);
  const place = { position, kept_until: iso(placeExpiresAt) };
  return { outcome, request: queued.id, locks: [], ...blocking({ obstacles, silent }), ...place };
}

function* refuse(
  { change, queued, holder, request, patterns }: LockDecision,
  inTheWay: InTheWay,
  cycle: LockOwner[],
): Tx<Acquired> {
  if (queued) {
    yield* change.withdraw(new Set([queued.id]), "deadlock");
    yield* change.serve();
  }
  const { agent, task } = holder.requester;
  const data = { mode: request.mode, paths: patterns.map(({ path }) => path), cycle };
  change.record({ type: "lock.deadlock", agent, task, run: holder.run, data });
  return { outcome: "deadlock", request: null, locks: [], ...blocking(inTheWay), cycle };
}

/** Queues the request, or renews the entry it has; it can be served until the wait is over. */
function* stayQueued(
  { ctx, change, project, holder, patterns, request, queued }: LockDecision,
  { obstacles, silent }: InTheWay,
  queuePosition: QueuePosition,
): Tx<Acquired> {
  const waitMs = request.wait.kind === "for" ? request.wait.ms : 0;
  const position = positionAmong(obstacles);
  const { agent, task } = holder.requester;
  const attendance = {
    id: queued?.id ?? ctx.newId("lockreq"),
    session: ctx.caller.session?.id ?? null,
    presentUntil: ctx.now + waitMs,
    placeExpiresAt: ctx.now + waitMs + ctx.settings.lock_place_ms,
  };
  if (queued) {
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
      position: queuePosition.position,
      askedAt: ctx.now,
    });
    const group = { ...common, request: attendance.id, session: attendance.session, run: holder.run };
    yield* insertLocks(
      patterns.map((pattern) => change.newLock(group, pattern, { ...QUEUED, mode: request.mode, since: ctx.now })),
    );
    const data = { request: attendance.id, mode: request.mode, paths: patterns.map(({ path }) => path), position };
    change.record({ type: "lock.queued", agent, task, run: holder.run, data });
  }
  const place = { position, kept_until: iso(attendance.placeExpiresAt) };
  return { outcome: "queued", request: attendance.id, locks: [], ...blocking({ obstacles, silent }), ...place };
}

const QUEUED = { state: "queued", token: 0, expiresAt: null } as const;

const CONFLICTS_SHOWN_MAX = 20;
/** Bounds of what the history keeps of a denied request: an agent may ask again and again. */
const CONFLICTS_TOLD_MAX = 3;
const PATHS_TOLD_MAX = 20;

function blocking({ obstacles, silent }: InTheWay): Pick<Acquired, "conflicts" | "conflicts_total"> {
  const all = conflictsOf(obstacles);
  const shown = all.slice(0, CONFLICTS_SHOWN_MAX);
  const conflicts = shown.map((conflict) => ({ ...conflict, ...silenceView(silent.get(conflict.held_by)) }));
  return { conflicts, conflicts_total: all.length };
}

function positionAmong(obstacles: readonly Obstacle[]): number {
  const ahead = obstacles.filter(({ lock }) => lock.state !== "held").map(({ lock }) => lock.request);
  return 1 + new Set(ahead).size;
}
