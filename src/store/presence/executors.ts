import { type Project, PROJECTS } from "../projects/projects.js";
import { many, int, json, only, text } from "../rows.js";
import { columns, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";

const EXECUTORS = columns({
  session: text,
  host: text,
  /** JSON text of what it may run. */
  policy: text,
  /** Ids of the projects it found to have no root on its machine. */
  absentRoots: json<readonly string[]>,
});
/** A session that takes command steps, as the others see it. */
export interface RegisteredExecutor extends RowOf<typeof EXECUTORS> {}

/** Says what a session may run, and forgets those that have ended. */
export function* saveExecutor(session: string, policy: string): Tx<void> {
  yield ["DELETE FROM executors WHERE session IN (SELECT id FROM sessions WHERE ended_at IS NOT NULL)"];
  yield [
    `INSERT INTO executors (session, policy, absent_roots) VALUES ($1, $2, '[]')
     ON CONFLICT (session) DO UPDATE SET policy = excluded.policy`,
    [session, policy],
  ];
}

export function* setAbsentRoots(session: string, projects: readonly string[]): Tx<void> {
  yield ["UPDATE executors SET absent_roots = $1 WHERE session = $2", [JSON.stringify(projects), session]];
}

const LIVE = `SELECT e.session, s.host, e.policy, e.absent_roots FROM sessions s JOIN executors e ON e.session = s.id
  WHERE s.ended_at IS NULL AND s.executor = 1 AND s.expires_at > $1 ORDER BY s.id LIMIT 1000`;

/** The executors whose session stands. */
export function* liveExecutors(now: number): Tx<RegisteredExecutor[]> {
  return yield* many(EXECUTORS.read, [LIVE, [now]]);
}

// As for the demands of one project, a loose index scan: a seek for each project that has work, however many lanes it has.
const WITH_WORK = `WITH RECURSIVE live (project) AS (
    SELECT min(project) FROM lanes WHERE open = 1 AND head IS NOT NULL
    UNION ALL
    SELECT (SELECT min(l.project) FROM lanes l WHERE l.project > live.project AND l.open = 1 AND l.head IS NOT NULL)
    FROM live WHERE live.project IS NOT NULL
  )
  SELECT p.* FROM live JOIN projects p ON p.id = live.project WHERE p.status = 'active' ORDER BY p.id LIMIT 1000`;

/** Returns the active projects with ready work. */
export function* projectsWithWork(): Tx<Project[]> {
  return yield* many(PROJECTS.read, [WITH_WORK]);
}

/** Tokens of the latest attempts at a task that did not end by the word of their holder, the last one first. */
export function* tokensUnheard(task: string, limit: number): Tx<number[]> {
  return yield* many(only("token", int), [
    `SELECT token FROM attempts WHERE task = $1 AND outcome IN ('lease_lost', 'timed_out', 'released', 'cancelled')
     ORDER BY number DESC LIMIT $2`,
    [task, limit],
  ]);
}
