import { RUN_MODES } from "../../base/statuses.js";
import {
  many,
  mapIn,
  chunksOf,
  hit,
  idOf,
  int,
  intOrNull,
  one,
  oneOf,
  only,
  placeholders,
  sole,
  text,
} from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const WORK_SESSIONS = table("work_sessions", {
  id: text,
  name: text,
  mode: oneOf(RUN_MODES),
  maxParallel: intOrNull,
  createdAt: int,
  createdBy: text,
  /** When it ends by itself. */
  expiresAt: intOrNull,
  closedAt: intOrNull,
});
/** A named set of defaults that runs take. (The table `sessions` holds the server processes.) */
export interface WorkSession extends RowOf<typeof WORK_SESSIONS> {}

const INSERT = insertInto(WORK_SESSIONS, "ON CONFLICT DO NOTHING RETURNING id");

/** Returns false where an open work session has the name. */
export function insertWorkSession(session: WorkSession): Tx<boolean> {
  return hit(INSERT([session]));
}

/** By id, or else the newest of a name, an open one before the others. */
export function* findWorkSession(reference: string): Tx<WorkSession | undefined> {
  return yield* one(WORK_SESSIONS.read, [
    `SELECT ${WORK_SESSIONS.columns} FROM work_sessions WHERE id = $1 OR name = $1
     ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END, closed_at IS NOT NULL, id DESC LIMIT 1`,
    [reference],
  ]);
}

/** False when it was closed already. */
export function* setWorkSessionClosed(id: string, at: number): Tx<boolean> {
  return yield* hit([
    "UPDATE work_sessions SET closed_at = $1 WHERE id = $2 AND closed_at IS NULL RETURNING id",
    [at, id],
  ]);
}

/** Ends those whose time was over; gives how many are open then. */
export function* closeExpired(now: number): Tx<number> {
  yield [
    "UPDATE work_sessions SET closed_at = expires_at WHERE closed_at IS NULL AND expires_at IS NOT NULL AND expires_at <= $1",
    [now],
  ];
  return yield* sole(only("open", int), ["SELECT count(*) AS open FROM work_sessions WHERE closed_at IS NULL"]);
}

export interface WorkSessionFilter {
  /** Only those that are open at this instant. */
  readonly openAt?: number | undefined;
  /** Sessions older than this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Newest first. */
export function* listWorkSessions({ openAt, before, limit }: WorkSessionFilter): Tx<WorkSession[]> {
  return yield* many(WORK_SESSIONS.read, [
    `SELECT ${WORK_SESSIONS.columns} FROM work_sessions WHERE ($1 = '' OR id < $1)
       AND (CAST($2 AS BIGINT) IS NULL OR (closed_at IS NULL AND (expires_at IS NULL OR expires_at > $2)))
     ORDER BY id DESC LIMIT $3`,
    [before ?? "", openAt ?? null, limit],
  ]);
}

/** A run takes the session's defaults. */
export function* insertRunOfSession(session: string, run: string): Tx<void> {
  yield ["INSERT INTO work_session_runs (session, run) VALUES ($1, $2)", [session, run]];
}

/** How many runs that are kept were started in each. */
export function* countSessionRuns(sessions: readonly string[]): Tx<Map<string, number>> {
  return yield* mapIn(
    (row) => [text(row, "session"), int(row, "runs")],
    sessions,
    (chunk) => [
      `SELECT session, count(*) AS runs FROM work_session_runs WHERE session IN (${placeholders(chunk.length)}) GROUP BY session`,
      chunk,
    ],
  );
}

const ENDED_BEFORE = `COALESCE(closed_at, expires_at) < $1 AND NOT EXISTS (SELECT 1 FROM work_session_runs w JOIN runs r ON r.id = w.run
   WHERE w.session = work_sessions.id AND r.ended_at IS NULL)`;

/** Sessions that ended before an instant, but for those of which a run is still under way. Looks at all there are. */
export function* endedWorkSessions(before: number, limit: number): Tx<string[]> {
  // sql: the condition above.
  return yield* many(idOf, [
    `SELECT id FROM work_sessions WHERE ${ENDED_BEFORE} ORDER BY id LIMIT $2`,
    [before, limit],
  ]);
}

/** Which runs took their defaults is forgotten with them. */
export function* deleteWorkSessions(ids: readonly string[]): Tx<void> {
  for (const chunk of chunksOf(ids)) {
    yield [`DELETE FROM work_session_runs WHERE session IN (${placeholders(chunk.length)})`, chunk];
    yield [`DELETE FROM work_sessions WHERE id IN (${placeholders(chunk.length)})`, chunk];
  }
}

export function* countWorkSessions(): Tx<number> {
  return yield* sole(only("sessions", int), ["SELECT count(*) AS sessions FROM work_sessions"]);
}
