import { many, mapIn, hit, int, intOrNull, only, placeholders, sole, text } from "../rows.js";
import { columns, named, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";

/** Counts for status answers. Each reads an index or the unfinished runs, never the whole history. */

const PROJECT_STATS = columns({
  /** All runs but the standing one. */
  runs: int,
  activeRuns: int,
  /** Estimated work of its active runs and of what of it is done, in ms. */
  workMs: int,
  doneMs: int,
});
export interface ProjectStats extends RowOf<typeof PROJECT_STATS> {}

/** Returns statistics per project; a project without runs is not in the map. */
export function* projectStats(projects: readonly string[]): Tx<Map<string, ProjectStats>> {
  return yield* mapIn(
    (row) => [text(row, "project"), PROJECT_STATS.read(row)],
    projects,
    (chunk) => [
      `SELECT r.project, count(*) AS runs, count(*) - count(r.ended_at) AS active_runs,
       CAST(COALESCE(SUM(CASE WHEN r.ended_at IS NULL THEN c.work_ms END), 0) AS BIGINT) AS work_ms,
       CAST(COALESCE(SUM(CASE WHEN r.ended_at IS NULL THEN c.done_ms END), 0) AS BIGINT) AS done_ms
     FROM runs r JOIN run_counters c ON c.run = r.id
     WHERE r.kind = 'workflow' AND r.project IN (${placeholders(chunk.length)}) GROUP BY r.project`,
      chunk,
    ],
  );
}

const WORK_AT_HAND = columns({
  agent: text,
  task: named("id", text),
  run: text,
  key: text,
  title: text,
  startedAt: intOrNull,
});
export interface WorkAtHand extends RowOf<typeof WORK_AT_HAND> {}

/** The tasks that agents hold now, by agent; those of one project, or of all. */
export function* workAtHand(project: string | undefined, limit: number): Tx<WorkAtHand[]> {
  return yield* many(WORK_AT_HAND.read, [
    `SELECT ${WORK_AT_HAND.columns} FROM tasks
     WHERE agent IS NOT NULL AND ($1 = '' OR project = $1) ORDER BY agent, id LIMIT $2`,
    [project ?? "", limit],
  ]);
}

const LOCK_STATS = columns({
  /** Paths that are locked now. */
  held: int,
  /** Granted to an agent that has not come back for it yet. */
  offered: int,
  /** Requests in line. */
  waiting: int,
});
export interface LockStats extends RowOf<typeof LOCK_STATS> {}

export function lockStats(project?: string): Tx<LockStats> {
  return sole(LOCK_STATS.read, [
    `SELECT
       (SELECT count(*) FROM file_locks WHERE state = 'held' AND ($1 = '' OR project = $1)) AS held,
       (SELECT count(*) FROM file_locks WHERE state = 'offered' AND ($1 = '' OR project = $1)) AS offered,
       (SELECT count(*) FROM lock_requests WHERE state = 'queued' AND ($1 = '' OR project = $1)) AS waiting`,
    [project ?? ""],
  ]);
}

const PRESENCE_STATS = columns({
  registered: int,
  /** Agents that hold at least one task. */
  atWork: int,
  /** Server processes whose session stands. */
  sessions: int,
  /** Sessions that run command steps. */
  executors: int,
  /** Sessions whose time is over and that have not been ended yet. */
  overdue: int,
});
export interface PresenceStats extends RowOf<typeof PRESENCE_STATS> {}

export function presence(now: number): Tx<PresenceStats> {
  return sole(PRESENCE_STATS.read, [
    `SELECT
       (SELECT count(*) FROM agents WHERE status = 'active') AS registered,
       (SELECT count(DISTINCT agent) FROM tasks WHERE agent IS NOT NULL) AS at_work,
       (SELECT count(*) FROM sessions WHERE ended_at IS NULL AND expires_at > $1) AS sessions,
       (SELECT count(*) FROM sessions WHERE ended_at IS NULL AND expires_at > $1 AND executor = 1) AS executors,
       (SELECT count(*) FROM sessions WHERE ended_at IS NULL AND expires_at <= $1) AS overdue`,
    [now],
  ]);
}

const DUE_STATS = columns({
  /** When the most overdue task should have been looked at; null when none is due. */
  oldestDueAt: intOrNull,
  /** When the last thing happened. */
  lastEventAt: intOrNull,
  /** When some process last did the background work of this host; null before the first time. */
  tickedAt: intOrNull,
});
export interface DueStats extends RowOf<typeof DUE_STATS> {}

export function dueStats(now: number, host: string): Tx<DueStats> {
  return sole(DUE_STATS.read, [
    `SELECT
       (SELECT min(due_at) FROM (
          SELECT min(due_at) AS due_at FROM tasks WHERE due_at IS NOT NULL AND agent IS NULL AND due_at <= $1
          UNION ALL SELECT min(due_at) FROM tasks WHERE agent IS NOT NULL AND due_at <= $1) AS both_kinds) AS oldest_due_at,
       (SELECT at FROM events ORDER BY seq DESC LIMIT 1) AS last_event_at,
       (SELECT ticked_at FROM host_clocks WHERE host = $2) AS ticked_at`,
    [now, host],
  ]);
}

/** The longest that a ready task of an open run has been waiting since; null when none is ready. */
export function oldestReadyAt(): Tx<number | null> {
  return sole(only("at", intOrNull), [
    `SELECT min(COALESCE(
        (SELECT t.ready_at FROM tasks t WHERE t.run = l.run AND t.demand = l.demand AND t.scope = '' AND t.status = 'ready'
         ORDER BY t.bucket, t.latest_start, t.rank_order, t.id LIMIT 1),
        (SELECT t.ready_at FROM scope_lanes s JOIN tasks t ON t.id = s.head
         WHERE s.run = l.run AND s.demand = l.demand AND s.parked_on IS NULL AND s.head IS NOT NULL
         ORDER BY s.bucket, s.latest_start, s.rank_order, s.head LIMIT 1))) AS at
     FROM lanes l WHERE l.open = 1 AND l.head IS NOT NULL`,
  ]);
}

/** Whether a command step is ready that nothing but a server that may run commands holds up. */
export function* commandsWait(): Tx<boolean> {
  return yield* hit([
    `SELECT 1 AS one FROM lanes l JOIN demands d ON d.id = l.demand
     WHERE d.executor = 'command' AND l.open = 1 AND l.head IS NOT NULL LIMIT 1`,
  ]);
}

const TOOLS_LOOKED_AT = 1_000;

/** The tools that ready steps call, each once, as `server/tool`. */
export function* toolsWanted(): Tx<string[]> {
  return yield* many(only("command", text), [
    `SELECT DISTINCT d.command FROM lanes l JOIN demands d ON d.id = l.demand
     WHERE d.executor = 'tool' AND l.open = 1 AND l.head IS NOT NULL ORDER BY d.command LIMIT ${TOOLS_LOOKED_AT}`,
  ]);
}
