import { many, hit, int, intOrNull, only, placeholders, text } from "../rows.js";
import { first, type Row, type Tx } from "../tx.js";

/** Counts for status answers. Each reads an index or the unfinished runs, never the whole history. */
export interface ProjectStats {
  /** All runs but the standing one. */
  readonly runs: number;
  readonly activeRuns: number;
  /** Estimated work of its active runs and of what of it is done, in ms. */
  readonly workMs: number;
  readonly doneMs: number;
}

/** Returns statistics per project; a project without runs is not in the map. */
export function* projectStats(projects: readonly string[]): Tx<Map<string, ProjectStats>> {
  if (projects.length === 0) return new Map();
  const rows = yield [
    `SELECT r.project, count(*) AS runs, count(*) - count(r.ended_at) AS active,
       CAST(COALESCE(SUM(CASE WHEN r.ended_at IS NULL THEN c.work_ms END), 0) AS BIGINT) AS work_ms,
       CAST(COALESCE(SUM(CASE WHEN r.ended_at IS NULL THEN c.done_ms END), 0) AS BIGINT) AS done_ms
     FROM runs r JOIN run_counters c ON c.run = r.id
     WHERE r.kind = 'workflow' AND r.project IN (${placeholders(projects.length)}) GROUP BY r.project`,
    projects,
  ];
  return new Map(
    rows.map((row) => [
      text(row, "project"),
      {
        runs: int(row, "runs"),
        activeRuns: int(row, "active"),
        workMs: int(row, "work_ms"),
        doneMs: int(row, "done_ms"),
      },
    ]),
  );
}

export interface WorkAtHand {
  readonly agent: string;
  readonly task: string;
  readonly run: string;
  readonly key: string;
  readonly title: string;
  readonly startedAt: number | null;
}

/** The tasks that agents hold now, by agent; those of one project, or of all. */
export function* workAtHand(project: string | undefined, limit: number): Tx<WorkAtHand[]> {
  const rows = yield [
    `SELECT agent, id, run, key, title, started_at FROM tasks
     WHERE agent IS NOT NULL AND ($1 = '' OR project = $1) ORDER BY agent, id LIMIT $2`,
    [project ?? "", limit],
  ];
  return rows.map((row: Row) => ({
    agent: text(row, "agent"),
    task: text(row, "id"),
    run: text(row, "run"),
    key: text(row, "key"),
    title: text(row, "title"),
    startedAt: intOrNull(row, "started_at"),
  }));
}

export interface LockStats {
  /** Paths that are locked now. */
  readonly held: number;
  /** Granted to an agent that has not come back for it yet. */
  readonly offered: number;
  /** Requests in line. */
  readonly waiting: number;
}

export function* lockStats(project?: string): Tx<LockStats> {
  const row = yield* first([
    `SELECT
       (SELECT count(*) FROM file_locks WHERE state = 'held' AND ($1 = '' OR project = $1)) AS held,
       (SELECT count(*) FROM file_locks WHERE state = 'offered' AND ($1 = '' OR project = $1)) AS offered,
       (SELECT count(*) FROM lock_requests WHERE state = 'queued' AND ($1 = '' OR project = $1)) AS waiting`,
    [project ?? ""],
  ]);
  if (row === undefined) throw new Error("a count without a row");
  return { held: int(row, "held"), offered: int(row, "offered"), waiting: int(row, "waiting") };
}

export interface PresenceStats {
  readonly registered: number;
  /** Agents that hold at least one task. */
  readonly atWork: number;
  /** Server processes whose session stands. */
  readonly sessions: number;
  /** Sessions that run command steps. */
  readonly executors: number;
  /** Sessions whose time is over and that have not been ended yet. */
  readonly overdue: number;
}

export function* presence(now: number): Tx<PresenceStats> {
  const row = yield* first([
    `SELECT
       (SELECT count(*) FROM agents WHERE status = 'active') AS registered,
       (SELECT count(DISTINCT agent) FROM tasks WHERE agent IS NOT NULL) AS at_work,
       (SELECT count(*) FROM sessions WHERE ended_at IS NULL AND expires_at > $1) AS sessions,
       (SELECT count(*) FROM sessions WHERE ended_at IS NULL AND expires_at > $1 AND executor = 1) AS executors,
       (SELECT count(*) FROM sessions WHERE ended_at IS NULL AND expires_at <= $1) AS overdue`,
    [now],
  ]);
  if (row === undefined) throw new Error("a count without a row");
  return {
    registered: int(row, "registered"),
    atWork: int(row, "at_work"),
    sessions: int(row, "sessions"),
    executors: int(row, "executors"),
    overdue: int(row, "overdue"),
  };
}

export interface DueStats {
  /** When the most overdue task should have been looked at; null when none is due. */
  readonly oldestDueAt: number | null;
  /** When the last thing happened. */
  readonly lastEventAt: number | null;
  /** When some process last did the background work of this host; null before the first time. */
  readonly tickedAt: number | null;
}

export function* dueStats(now: number, host: string): Tx<DueStats> {
  const row = yield* first([
    `SELECT
       (SELECT min(due_at) FROM (
          SELECT min(due_at) AS due_at FROM tasks WHERE due_at IS NOT NULL AND agent IS NULL AND due_at <= $1
          UNION ALL SELECT min(due_at) FROM tasks WHERE agent IS NOT NULL AND due_at <= $1) AS both_kinds) AS due,
       (SELECT at FROM events ORDER BY seq DESC LIMIT 1) AS at,
       (SELECT ticked_at FROM host_clocks WHERE host = $2) AS ticked`,
    [now, host],
  ]);
  if (row === undefined) throw new Error("a count without a row");
  return {
    oldestDueAt: intOrNull(row, "due"),
    lastEventAt: intOrNull(row, "at"),
    tickedAt: intOrNull(row, "ticked"),
  };
}

/** The longest that a ready task of an open run has been waiting since; null when none is ready. */
export function* oldestReadyAt(): Tx<number | null> {
  const row = yield* first([
    `SELECT min(COALESCE(
        (SELECT t.ready_at FROM tasks t WHERE t.run = l.run AND t.demand = l.demand AND t.scope = '' AND t.status = 'ready'
         ORDER BY t.bucket, t.latest_start, t.rank_order, t.id LIMIT 1),
        (SELECT t.ready_at FROM scope_lanes s JOIN tasks t ON t.id = s.head
         WHERE s.run = l.run AND s.demand = l.demand AND s.parked_on IS NULL AND s.head IS NOT NULL
         ORDER BY s.bucket, s.latest_start, s.rank_order, s.head LIMIT 1))) AS at
     FROM lanes l WHERE l.open = 1 AND l.head IS NOT NULL`,
  ]);
  return row === undefined ? null : intOrNull(row, "at");
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
