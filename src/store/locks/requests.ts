import { listsOf } from "./locks.js";
import { int, placeholders, text, textOrNull } from "../rows.js";
import type { LockMode } from "../scheduling/file-sets.js";
import { first, type Row, type Tx } from "../tx.js";

/** Who asks for locks: an agent, for a task or for none. */
export interface LockOwner {
  readonly agent: string;
  readonly task: string | null;
}

/** A request that waits in line, or has been offered what it waits for. */
export interface LockRequest extends LockOwner {
  readonly id: string;
  readonly project: string;
  readonly session: string | null;
  readonly mode: LockMode;
  /** What it asks for, sorted; the same for the same request. */
  readonly keys: readonly string[];
  readonly ttlMs: number;
  readonly reason: string | null;
  readonly state: "queued" | "offered";
  /** Ageing bucket less priority, as tasks are ordered; smaller is served first. */
  readonly position: number;
  readonly askedAt: number;
  readonly presentUntil: number;
  readonly placeExpiresAt: number;
}

const COLUMNS =
  "id, project, agent, task, session, mode, paths, ttl_ms, reason, state, position, created_at, present_until, place_expires_at";

function requestOf(row: Row): LockRequest {
  return {
    id: text(row, "id"),
    project: text(row, "project"),
    agent: text(row, "agent"),
    task: textOrNull(row, "task"),
    session: textOrNull(row, "session"),
    // Written by insertRequest, from the union.
    mode: text(row, "mode") as LockMode,
    keys: JSON.parse(text(row, "paths")) as string[],
    ttlMs: int(row, "ttl_ms"),
    reason: textOrNull(row, "reason"),
    // The table's CHECK holds it to the union.
    state: text(row, "state") as LockRequest["state"],
    position: int(row, "position"),
    askedAt: int(row, "created_at"),
    presentUntil: int(row, "present_until"),
    placeExpiresAt: int(row, "place_expires_at"),
  };
}

const IN_LINE = "SELECT 1 AS one FROM lock_requests WHERE project = $1 LIMIT 1";

/** Whether any request of a project waits, or has been offered what it waits for. */
export function* anyoneInLine(project: string): Tx<boolean> {
  return (yield [IN_LINE, [project]]).length > 0;
}

/** The same request, by the same agent for the same task, if it is in line. */
export function* findSameRequest(
  request: Pick<LockRequest, "project" | "agent" | "task" | "mode" | "keys">,
): Tx<LockRequest | undefined> {
  const row = yield* first([
    `SELECT ${COLUMNS} FROM lock_requests
     WHERE agent = $1 AND project = $2 AND COALESCE(task, '') = $3 AND mode = $4 AND paths = $5 ORDER BY id LIMIT 1`,
    [request.agent, request.project, request.task ?? "", request.mode, JSON.stringify(request.keys)],
  ]);
  return row && requestOf(row);
}

export function* findRequest(id: string): Tx<LockRequest | undefined> {
  const row = yield* first([`SELECT ${COLUMNS} FROM lock_requests WHERE id = $1`, [id]]);
  return row && requestOf(row);
}

/** Everything these agents wait for in a project. */
export function* requestsOfAgents(project: string, agents: readonly string[]): Tx<LockRequest[]> {
  const requests: LockRequest[] = [];
  for (const chunk of listsOf(agents)) {
    const rows = yield [
      `SELECT ${COLUMNS} FROM lock_requests WHERE project = $1 AND agent IN (${placeholders(chunk.length, 2)}) ORDER BY id`,
      [project, ...chunk],
    ];
    requests.push(...rows.map(requestOf));
  }
  return requests;
}

export function* insertRequest(request: LockRequest): Tx<void> {
  yield [
    `INSERT INTO lock_requests (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      request.id,
      request.project,
      request.agent,
      request.task,
      request.session,
      request.mode,
      JSON.stringify(request.keys),
      request.ttlMs,
      request.reason,
      request.state,
      request.position,
      request.askedAt,
      request.presentUntil,
      request.placeExpiresAt,
    ],
  ];
}

/** A call about a request: from whom, and how long somebody waits for the answer. */
export type Attendance = Pick<LockRequest, "id" | "session" | "presentUntil" | "placeExpiresAt">;

export function* attendRequest({ id, session, presentUntil, placeExpiresAt }: Attendance): Tx<void> {
  yield [
    "UPDATE lock_requests SET session = $1, present_until = $2, place_expires_at = $3 WHERE id = $4",
    [session, presentUntil, placeExpiresAt, id],
  ];
  yield ["UPDATE file_locks SET session = $1 WHERE request = $2", [session, id]];
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
  const rows = yield [
    "SELECT project FROM lock_requests WHERE place_expires_at <= $1 GROUP BY project ORDER BY min(place_expires_at) LIMIT $2",
    [now, limit],
  ];
  return rows.map((row) => text(row, "project"));
}

/** Requests whose queue entry has lapsed, longest first. */
export function* lapsedRequests(now: number, project: string, limit: number): Tx<string[]> {
  const rows = yield [
    `SELECT id FROM lock_requests WHERE place_expires_at <= $1 AND project = $2 ORDER BY place_expires_at, id LIMIT $3`,
    [now, project, limit],
  ];
  return rows.map((row) => text(row, "id"));
}
