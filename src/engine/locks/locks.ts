import { type PageQuery, pageOf } from "../../base/lists/paging.js";
import type { LockMode } from "../../base/statuses.js";
import type { Project } from "../../store/projects/projects.js";
import { silentSince } from "../../store/agents/agents.js";
import { lockProject } from "../../store/lock-order.js";
import { attendRequest, findRequest, findSameRequest } from "../../store/locks/requests.js";
import { listLocks, listLocksEverywhere } from "../../store/locks/lists.js";
import { type Lock, locksOfAgent, locksOfRequests } from "../../store/locks/locks.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { projectsWithin } from "../projects/projects.js";
import { actingAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { BatonError } from "../../base/errors.js";
import {
  isOwn,
  isStale,
  keepsOut,
  locksNear,
  type LockSpace,
  LockTable,
  nearbyLocks,
  type Obstacle,
  patternOf,
} from "./conflicts.js";
import { type Acquired, decide, type LockDecision, type Wait } from "./decision.js";
import { confirmHolder, findHolder, type HolderReference, knownProject, onlyTaskOf } from "./holders.js";
import { LockChange, type Served } from "./lock-change.js";
import { type FreedLocks, freedOf } from "./wide-locks.js";
import type { NearLock } from "./nested.js";
import { type Conflict, conflictsOf, lockView, type LockView } from "./views.js";
import { silenceView } from "../agents/presence.js";
import { normalisePath, type PathPattern, type PathSpace } from "../paths/paths.js";
import { distinctPatterns } from "../paths/file-sets.js";
import { requireTask, taskId } from "../lookup.js";

export interface AcquireRequest {
  readonly project?: string | undefined;
  readonly agent?: string | undefined;
  /** Must be running under the agent. Default: the agent's only running task, if it has exactly one. */
  readonly task?: string | undefined;
  readonly paths: readonly string[];
  readonly mode: LockMode;
  readonly ttlMs: number;
  readonly reason?: string | undefined;
  readonly wait: Wait;
}

/**
 * Locks all paths or none. What stands in the way and is stale is broken first. Granted to the same agent and task again
 * it is renewed under the same tokens; a wait that would close a cycle is refused as `deadlock` in the transaction that
 * would have begun it. Errors: `invalid_input` for a path; `limit_exceeded` for too many; `conflict` for a task that the
 * agent does not hold; `not_found`.
 */
export function* acquireFileLock(ctx: EngineContext, request: AcquireRequest): Tx<Acquired> {
  yield* actingAgent(ctx, request.agent);
  const { project, holder } = yield* findHolder(ctx, request);
  const patterns = patternsOf(ctx, project, request.paths);
  const space = (yield* lockProject(project.id)) ?? project;
  const change = new LockChange(ctx, project.id);
  const pending = { ctx, change, project: project.id, holder, patterns };
  const table = yield* tableWithoutStale(pending, space);
  const keys = patterns.map(({ key }) => key);
  const { agent, task } = holder.requester;
  const queued = yield* findSameRequest({ project: project.id, agent, task, mode: request.mode, keys });
  const answer = yield* decide({ ...pending, request, table, queued });
  yield* change.settle(holder.run === null ? [] : [holder.run]);
  yield* confirmHolder(holder, answer.outcome === "granted" || answer.outcome === "queued");
  yield* change.flush();
  return holder.preempted === null ? answer : { ...answer, preempted: holder.preempted };
}

/** The task named, or else the agent's only running one. Errors: `not_found`. */
function* taskMeant(ctx: EngineContext, { agent, task }: HolderReference): Tx<Task | undefined> {
  return task === undefined ? yield* onlyTaskOf(agent ?? ctx.caller.agent) : (yield* requireTask(task)).task;
}

/**
 * Returns the root at which the paths of a request are looked up on this machine's disk before its transaction, with the projects
 * inside of it; undefined for a project without one. A query; errors as `acquireFileLock`.
 */
export function* rootOfPaths(
  ctx: EngineContext,
  request: Pick<AcquireRequest, "project" | "agent" | "task">,
): Tx<{ root: string; sharesWorktrees: boolean; inner: Project[] } | undefined> {
  const known = yield* knownProject(ctx, request, yield* taskMeant(ctx, request));
  // A project that is yet to be made is made at the git root.
  const root = known === undefined ? ctx.caller.workplace.gitRoot : known.root;
  if (root === null) return undefined;
  return { root, sharesWorktrees: known?.config.worktrees === "shared", inner: yield* projectsWithin(root) };
}

/** Whether a request waits in line still: neither served, offered anything, nor gone. */
export function* isInLine(request: string): Tx<boolean> {
  return (yield* findRequest(request))?.state === "queued";
}

/**
 * Ends the wait of a caller that has hung up: it is absent now, but its queue position stays for a while. Locks granted
 * in that moment, unheard, are released.
 */
export function* leaveLine(ctx: EngineContext, id: string): Tx<void> {
  const locks = yield* locksOfRequests(ctx.now, [id]);
  const [lock] = locks;
  if (!lock) return;
  yield* lockProject(lock.project);
  const queued = yield* findRequest(id);
  if (queued) {
    yield* attendRequest({ ...queued, presentUntil: ctx.now, placeExpiresAt: ctx.now + ctx.settings.lock_place_ms });
    return;
  }
  const change = new LockChange(ctx, lock.project);
  yield* change.release(yield* locksOfRequests(ctx.now, [id]), "hung_up");
  yield* change.serve();
  yield* change.settle();
  yield* change.flush();
}

function patternsOf(ctx: EngineContext, project: PathSpace, paths: readonly string[]): PathPattern[] {
  const most = ctx.settings.patterns_max;
  if (paths.length > most) {
    const message = `${paths.length} paths in one call are too many: at most ${most}. Lock directories.`;
    throw new BatonError("limit_exceeded", message, { details: { paths: paths.length, paths_max: most } });
  }
  return distinctPatterns(project, paths);
}

type PendingRequest = Pick<LockDecision, "ctx" | "change" | "project" | "holder" | "patterns">;

/** The locks nearby, once the stale ones have been broken and those who waited for them have been served. */
function* tableWithoutStale({ ctx, change, holder, patterns }: PendingRequest, space: LockSpace): Tx<LockTable> {
  const read = function* () {
    return new LockTable(ctx.now, yield* locksNear(ctx.now, space, patterns));
  };
  const table = yield* read();
  const { requester } = holder;
  const stale = new Set(
    patterns
      .flatMap((pattern) => table.overlapping(pattern))
      .filter((lock) => lock.elsewhere === undefined && isStale(lock, ctx.now)),
  );
  for (const lock of stale) {
    // An agent that comes back under a new session takes over its own lock.
    if (lock.state === "held" && isOwn(lock, requester) && (lock.expiresAt ?? Infinity) > ctx.now) stale.delete(lock);
  }
  if (stale.size === 0) return table;
  yield* change.breakStale([...stale], requester.agent);
  yield* change.serve();
  return yield* read();
}

export interface ReleaseRequest {
  readonly project?: string | undefined;
  readonly agent?: string | undefined;
  /** Only what is held for this task. */
  readonly task?: string | undefined;
  readonly paths?: readonly string[] | undefined;
  readonly all?: boolean | undefined;
}

export interface Released {
  readonly released: readonly string[];
  /** Asked for and not held yet: the requests are out of the line. */
  readonly withdrawn: readonly string[];
  readonly not_held: readonly string[];
  readonly granted: readonly Served[];
  /** Given to who was not there: theirs if they ask in time. */
  readonly offered: readonly Served[];
  /** The files that were locked for the agent alone; undefined where there are none. */
  readonly freed?: FreedLocks | undefined;
}

/**
 * Releases an agent's locks on these very patterns, or all of them, and takes its requests for them out of the line, whole.
 * Those who wait are served in order. Errors: `invalid_input` for a path, or for neither paths nor all; `not_found`.
 */
export function* releaseFileLock(ctx: EngineContext, request: ReleaseRequest): Tx<Released> {
  const nothing = { released: [], withdrawn: [], not_held: request.paths ?? [], granted: [], offered: [] };
  if (request.paths === undefined && request.all !== true) {
    throw new BatonError("invalid_input", "Say which paths to release, or all: true for every lock you hold.");
  }
  const project = yield* knownProject(ctx, request, yield* taskMeant(ctx, request));
  if (!project) return nothing;
  const patterns = request.paths === undefined ? undefined : patternsOf(ctx, project, request.paths);
  yield* actingAgent(ctx, request.agent);
  yield* lockProject(project.id);
  const own = yield* locksToRelease(ctx, { project, patterns, request });
  const change = new LockChange(ctx, project.id);
  const held = own.filter(({ state }) => state === "held");
  yield* change.release(held, "released");
  const requests = new Set(own.filter(({ state }) => state !== "held").map((lock) => lock.request));
  const withdrawn = yield* change.withdraw(requests, "released");
  yield* change.serve();
  yield* change.settle();
  yield* change.flush();
  const met = new Set(own.map((lock) => patternOf(lock).key));
  return {
    released: pathsOf(held),
    withdrawn: [...new Set(withdrawn)],
    not_held: (patterns ?? []).filter(({ key }) => !met.has(key)).map(({ path }) => path),
    granted: change.granted,
    offered: change.offered,
    freed: freedOf(held, { until: ctx.now, isAwaited: change.granted.length + change.offered.length > 0 }),
  };
}

interface Releasing {
  readonly project: Project;
  readonly patterns: readonly PathPattern[] | undefined;
  readonly request: ReleaseRequest;
}

function* locksToRelease(ctx: EngineContext, { project, patterns, request }: Releasing): Tx<Lock[]> {
  const agent = request.agent ?? ctx.caller.agent;
  const task = request.task === undefined ? undefined : yield* taskId(request.task);
  const isMine = (lock: Lock) => lock.agent === agent && (task === undefined || lock.task === task);
  if (!patterns) return (yield* locksOfAgent(ctx.now, project.id, agent)).filter(isMine);
  const keys = new Set(patterns.map(({ key }) => key));
  const near = yield* nearbyLocks(ctx.now, project, patterns);
  const own: readonly NearLock[] = near.whole ? near.locks : yield* locksOfAgent(ctx.now, project.id, agent);
  return own.filter((lock) => lock.elsewhere === undefined && isMine(lock) && keys.has(patternOf(lock).key));
}

function pathsOf(locks: readonly Lock[]): string[] {
  return [...new Set(locks.map(({ path }) => path))];
}

/** Whether an edit of a path by an agent would now violate a lock or an offer of another. */
export function* checkFileLock(
  ctx: EngineContext,
  input: { readonly path: string; readonly agent?: string | undefined; readonly project?: string | undefined },
): Tx<{ allowed: boolean; held_by: Conflict[]; beside?: Conflict[] }> {
  const project = yield* knownProject(ctx, { project: input.project });
  if (!project) return { allowed: true, held_by: [] };
  const agent = input.agent ?? ctx.caller.agent;
  const { against, beside } = yield* locksOfOthers(ctx, {
    project,
    patterns: [normalisePath(project, input.path)],
    agent,
  });
  return { allowed: against.length === 0, held_by: against, ...(beside.length > 0 && { beside }) };
}

interface Edit {
  readonly project: Project;
  readonly patterns: readonly PathPattern[];
  readonly agent: string;
}

/** The locks and offers of others that an edit of these paths by an agent would violate now, as many as are shown. */
export function* editsViolating(ctx: EngineContext, edit: Edit): Tx<Conflict[]> {
  return (yield* locksOfOthers(ctx, edit)).against;
}

/** The locks and offers of others on these paths that an edit would violate, and those that keep the agent out of none, as many as are shown. */
function* locksOfOthers(ctx: EngineContext, { project, patterns, agent }: Edit) {
  const table = new LockTable(ctx.now, yield* locksNear(ctx.now, project, patterns));
  const against: Obstacle[] = [];
  const beside: Obstacle[] = [];
  for (const pattern of patterns) {
    const on = table.overlapping(pattern).filter((lock) => lock.state !== "queued" && !isStale(lock, ctx.now));
    const own = on.filter((lock) => lock.agent === agent);
    for (const lock of on) {
      if (lock.agent !== agent) (keepsOut(lock, own) ? against : beside).push({ pattern, lock });
    }
  }
  return { against: yield* shownConflicts(against), beside: yield* shownConflicts(beside) };
}

function* shownConflicts(obstacles: readonly Obstacle[]): Tx<Conflict[]> {
  const shown = conflictsOf(obstacles).slice(0, HOLDERS_SHOWN_MAX);
  const silent = yield* silentSince(shown.map(({ held_by }) => held_by));
  return shown.map((conflict) => ({ ...conflict, ...silenceView(silent.get(conflict.held_by)) }));
}

const HOLDERS_SHOWN_MAX = 20;

export interface LockQuery extends PageQuery {
  readonly project?: string | undefined;
  readonly path?: string | undefined;
  readonly agent?: string | undefined;
  readonly run?: string | undefined;
}

/** Lists held, offered and requested locks with their owners, in order of the paths' beginnings. */
export function* listFileLocks(ctx: EngineContext, query: LockQuery) {
  const project = yield* knownProject(ctx, { project: query.project });
  if (!project) return { locks: [] };
  const found =
    query.path === undefined ? yield* readPage(ctx, project, query) : yield* readPageOnPath(ctx, project, query);
  const { page, next } = pageOf(found, query.limit, cursorAfter);
  const silent = yield* silentSince(page.map(({ agent }) => agent));
  const view = { silent, reader: ctx.caller.agent };
  return { locks: page.map((lock) => lockView(lock, view)), ...next };
}

/** Locks, offers and queue entries of every project, by project in order of their paths. */
export function* listLocksOfAll(
  ctx: EngineContext,
  limit: number,
): Tx<{ locks: (LockView & { project: string })[]; more: boolean }> {
  const found = yield* listLocksEverywhere(ctx.now, limit + 1);
  const silent = yield* silentSince(found.map(({ agent }) => agent));
  const view = { silent, reader: ctx.caller.agent };
  const locks = found.slice(0, limit).map((lock) => ({ ...lockView(lock, view), project: lock.project }));
  return { locks, more: found.length > limit };
}

function* readPage(ctx: EngineContext, project: Project, { agent, run, limit, cursor }: LockQuery): Tx<Lock[]> {
  const after = cursor === undefined ? undefined : parseCursor(cursor);
  return yield* listLocks(ctx.now, { project: project.id, agent, run, after, limit: limit + 1 });
}

function* readPageOnPath(ctx: EngineContext, project: Project, query: LockQuery): Tx<Lock[]> {
  const pattern = normalisePath(project, query.path ?? "");
  const near = yield* locksNear(ctx.now, project, [pattern]);
  const after = query.cursor === undefined ? undefined : parseCursor(query.cursor);
  return new LockTable(ctx.now, near)
    .overlapping(pattern)
    .filter((lock) => query.agent === undefined || lock.agent === query.agent)
    .filter((lock) => query.run === undefined || lock.run === query.run)
    .map((lock) => ({ lock, at: listPosition(lock) }))
    .filter(({ at }) => !after || comesAfter(at, after))
    .sort((a, b) => (comesAfter(a.at, b.at) ? 1 : -1))
    .map(({ lock }) => lock);
}

interface ListPosition {
  readonly prefix: string;
  readonly id: string;
}

function listPosition(lock: Lock): ListPosition {
  return { prefix: patternOf(lock).prefix, id: lock.id };
}

function comesAfter(a: ListPosition, b: ListPosition): boolean {
  return a.prefix === b.prefix ? a.id > b.id : Buffer.compare(Buffer.from(a.prefix), Buffer.from(b.prefix)) > 0;
}

function cursorAfter(lock: Lock): string {
  const { prefix, id } = listPosition(lock);
  // A path may hold spaces and signs that a text shows as others.
  return Buffer.from(`${id}:${prefix}`).toString("base64url");
}

function parseCursor(cursor: string): ListPosition {
  const [, id, prefix] = /^(\w+):(.*)$/s.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (id !== undefined && prefix !== undefined) return { id, prefix };
  throw new BatonError("invalid_input", "Invalid cursor: pass next_cursor of the previous page.", {
    details: { cursor },
  });
}
