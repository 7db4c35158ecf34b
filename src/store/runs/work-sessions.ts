import { chunksOf, int, intOrNull, placeholders, text } from "../rows.js";
import { first, type Row, type Tx } from "../tx.js";

export const RUN_MODES = ["standard", "high_performance", "fault_tolerant", "resource_aware"] as const;
export type RunMode = (typeof RUN_MODES)[number];

/** A named set of defaults that runs take. (The table `sessions` holds the server processes.) */
export interface WorkSession {
  readonly id: string;
  readonly name: string;
  readonly mode: RunMode;
  readonly maxParallel: number | null;
  readonly createdAt: number;
  readonly createdBy: string;
  /** When it ends by itself. */
  readonly expiresAt: number | null;
  readonly closedAt: number | null;
}

const COLUMNS = "id, name, mode, max_parallel, created_at, created_by, expires_at, closed_at";

function sessionOf(row: Row): WorkSession {
  return {
    id: text(row, "id"),
    name: text(row, "name"),
    // Held to the union by the table's CHECK.
    mode: text(row, "mode") as RunMode,
    maxParallel: intOrNull(row, "max_parallel"),
    createdAt: int(row, "created_at"),
    createdBy: text(row, "created_by"),
    expiresAt: intOrNull(row, "expires_at"),
    closedAt: intOrNull(row, "closed_at"),
  };
}

/** False where an open one has the name. */
export function* insertWorkSession(session: WorkSession): Tx<boolean> {
  const { id, name, mode, maxParallel, createdAt, createdBy, expiresAt, closedAt } = session;
  const rows = yield [
    `INSERT INTO work_sessions (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id`,
    [id, name, mode, maxParallel, createdAt, createdBy, expiresAt, closedAt],
  ];
  return rows.length === 1;
}

/** By id, or else the newest of a name, an open one before the others. */
export function* findWorkSession(reference: string): Tx<WorkSession | undefined> {
  const row = yield* first([
    `SELECT ${COLUMNS} FROM work_sessions WHERE id = $1 OR name = $1
     ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END, closed_at IS NOT NULL, id DESC LIMIT 1`,
    [reference],
  ]);
  return row && sessionOf(row);
}

/** False when it was closed already. */
export function* setWorkSessionClosed(id: string, at: number): Tx<boolean> {
  const rows = yield [
    "UPDATE work_sessions SET closed_at = $1 WHERE id = $2 AND closed_at IS NULL RETURNING id",
    [at, id],
  ];
  return rows.length === 1;
}

/** Ends those whose time was over; gives how many are open then. */
export function* closeExpired(now: number): Tx<number> {
  yield [
    "UPDATE work_sessions SET closed_at = expires_at WHERE closed_at IS NULL AND expires_at IS NOT NULL AND expires_at <= $1",
    [now],
  ];
  const row = yield* first(["SELECT count(*) AS open FROM work_sessions WHERE closed_at IS NULL"]);
  return row === undefined ? 0 : int(row, "open");
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
  const rows = yield [
    `SELECT ${COLUMNS} FROM work_sessions WHERE ($1 = '' OR id < $1)
       AND (CAST($2 AS BIGINT) IS NULL OR (closed_at IS NULL AND (expires_at IS NULL OR expires_at > $2)))
     ORDER BY id DESC LIMIT $3`,
    [before ?? "", openAt ?? null, limit],
  ];
  return rows.map(sessionOf);
}

export function* noteRunOfSession(session: string, run: string): Tx<void> {
  yield ["INSERT INTO work_session_runs (session, run) VALUES ($1, $2)", [session, run]];
}

/** How many runs that are kept were started in each. */
export function* countSessionRuns(sessions: readonly string[]): Tx<Map<string, number>> {
  if (sessions.length === 0) return new Map();
  const rows = yield [
    `SELECT session, count(*) AS runs FROM work_session_runs WHERE session IN (${placeholders(sessions.length)}) GROUP BY session`,
    sessions,
  ];
  return new Map(rows.map((row) => [text(row, "session"), int(row, "runs")]));
}

const ENDED_BEFORE = `COALESCE(closed_at, expires_at) < $1 AND NOT EXISTS (SELECT 1 FROM work_session_runs w JOIN runs r ON r.id = w.run
   WHERE w.session = work_sessions.id AND r.ended_at IS NULL)`;

/** Sessions that ended before an instant, but for those of which a run is still under way. Looks at all there are. */
export function* endedWorkSessions(before: number, limit: number): Tx<string[]> {
  // sql: the condition above.
  const rows = yield [`SELECT id FROM work_sessions WHERE ${ENDED_BEFORE} ORDER BY id LIMIT $2`, [before, limit]];
  return rows.map((row) => text(row, "id"));
}

/** Which runs took their defaults is forgotten with them. */
export function* deleteWorkSessions(ids: readonly string[]): Tx<void> {
  for (const chunk of chunksOf(ids)) {
    yield [`DELETE FROM work_session_runs WHERE session IN (${placeholders(chunk.length)})`, chunk];
    yield [`DELETE FROM work_sessions WHERE id IN (${placeholders(chunk.length)})`, chunk];
  }
}
