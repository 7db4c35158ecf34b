import { LOCK_MODES, LOCK_STATES } from "../../base/statuses.js";
import { listsOf } from "./locks.js";
import { many, hit, idOf, int, json, one, oneOf, only, placeholders, text, textOrNull } from "../rows.js";
import { insertInto, named, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

/** The owner of locks: an agent, for a task or without one. */
export interface LockOwner {
  readonly agent: string;
  readonly task: string | null;
}

export const LOCK_REQUESTS = table("lock_requests", {
  id: text,
  project: text,
  agent: text,
  task: textOrNull,
  session: textOrNull,
  mode: oneOf(LOCK_MODES),
  /** The requested paths, sorted; equal for equal requests. */
  keys: named("paths", json<readonly string[]>),
  ttlMs: int,
  reason: textOrNull,
  state: oneOf(LOCK_STATES),
  /** Ageing bucket less priority, as tasks are ordered; smaller is served first. */
  position: int,
  askedAt: named("created_at", int),
  presentUntil: int,
  placeExpiresAt: int,
});
/** A request that waits in line, or has been offered what it waits for. */
export interface LockRequest extends RowOf<typeof LOCK_REQUESTS> {}

const IN_LINE = `SELECT 1 AS one FROM lock_requests WHERE project = $1 OR project IN (
  SELECT f.id FROM projects p JOIN projects f ON f.outermost = p.outermost WHERE p.id = $1) LIMIT 1`;

/** Whether any request of a project, or of one around or inside of it, waits or has been offered what it waits for. */
export function* anyoneInLine(project: string): Tx<boolean> {
  return yield* hit([IN_LINE, [project]]);
}

/** The same request, by the same agent for the same task, if it is in line. */
export function* findSameRequest(
  request: Pick<LockRequest, "project" | "agent" | "task" | "mode" | "keys">,
): Tx<LockRequest | undefined> {
  return yield* one(LOCK_REQUESTS.read, [
    `SELECT ${LOCK_REQUESTS.columns} FROM lock_requests
     WHERE agent = $1 AND project = $2 AND COALESCE(task, '') = $3 AND mode = $4 AND paths = $5 ORDER BY id LIMIT 1`,
    [request.agent, request.project, request.task ?? "", request.mode, JSON.stringify(request.keys)],
  ]);
}

export function* findRequest(id: string): Tx<LockRequest | undefined> {
  return yield* one(LOCK_REQUESTS.read, [`SELECT ${LOCK_REQUESTS.columns} FROM lock_requests WHERE id = $1`, [id]]);
}

/** Everything these agents wait for in a project. */
export function* requestsOfAgents(project: string, agents: readonly string[]): Tx<LockRequest[]> {
  const requests: LockRequest[] = [];
  for (const chunk of listsOf(agents)) {
    const rows = yield [
      `SELECT ${LOCK_REQUESTS.columns} FROM lock_requests WHERE project = $1 AND agent IN (${placeholders(chunk.length, 2)}) ORDER BY id`,
      [project, ...chunk],
    ];
    requests.push(...rows.map(LOCK_REQUESTS.read));
  }
  return requests;
}

const INSERT = insertInto(LOCK_REQUESTS);

export function* insertRequest(request: LockRequest): Tx<void> {
  yield INSERT([request]);
}

/** A call about a request: its session, and how long it waits for the answer. */
export type Attendance = Pick<LockRequest, "id" | "session" | "presentUntil" | "placeExpiresAt">;

export function* attendRequest({ id, session, presentUntil, placeExpiresAt }: Attendance): Tx<void> {
  yield [
    "UPDATE lock_requests SET session = $1, present_until = $2, place_expires_at = $3 WHERE id = $4",
    [session, presentUntil, placeExpiresAt, id],
  ];
  yield ["UPDATE file_locks SET session = $1 WHERE request = $2", [session, id]];
}

/** Moves a request to another place in the order in which they are served. */
export function* placeRequest(id: string, { position, askedAt }: Pick<LockRequest, "position" | "askedAt">): Tx<void> {
  yield ["UPDATE lock_requests SET position = $1, created_at = $2 WHERE id = $3", [position, askedAt, id]];
}

/** Offers a request what it waits for until an instant, at which its queue entry ends too. */
export function* offerRequest(id: string, until: number): Tx<void> {
  yield ["UPDATE lock_requests SET state = 'offered', place_expires_at = $1 WHERE id = $2", [until, id]];
}

export function* deleteRequests(ids: readonly string[]): Tx<void> {
  for (const chunk of listsOf(ids)) {
    yield [`DELETE FROM lock_requests WHERE id IN (${placeholders(chunk.length)})`, chunk];
  }
}

/** Projects with lapsed queue entries, by when the first of each lapsed. */
export function* projectsToLapse(now: number, limit: number): Tx<string[]> {
  return yield* many(only("project", text), [
    "SELECT project FROM lock_requests WHERE place_expires_at <= $1 GROUP BY project ORDER BY min(place_expires_at) LIMIT $2",
    [now, limit],
  ]);
}

/** Requests whose queue entry has lapsed, longest first. */
export function* lapsedRequests(now: number, project: string, limit: number): Tx<string[]> {
  return yield* many(idOf, [
    `SELECT id FROM lock_requests WHERE place_expires_at <= $1 AND project = $2 ORDER BY place_expires_at, id LIMIT $3`,
    [now, project, limit],
  ]);
}
