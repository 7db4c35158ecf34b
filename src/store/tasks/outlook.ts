import { int, jsonOrNull, many, manyIn, oneOf, placeholders, sole, text } from "../rows.js";
import { columns, named, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";
import { ATTEMPT_OUTCOMES } from "../../base/statuses.js";
import type { AttemptError } from "./attempts.js";
import { TASKS, type Task } from "./tasks.js";

/** Reads of work that is still to come: tasks that are tried again, and those that need others first. */

// In the very words of the index tasks_due; the run or project is compared as an expression, whose own index holds all tasks.
const RETRYING = "due_at IS NOT NULL AND agent IS NULL AND status = 'pending' AND available_at IS NOT NULL";

/** The failed tasks of a run or project that are tried again, the soonest first. */
export function* retryingTasks(where: { run: string } | { project: string }, limit: number): Tx<Task[]> {
  const [column, id] = "run" in where ? ["run", where.run] : ["project", where.project];
  return yield* many(TASKS.read, [
    // sql: one of two columns, and constants.
    `SELECT ${TASKS.columns} FROM tasks WHERE ${column} || '' = $1 AND ${RETRYING} ORDER BY available_at, id LIMIT $2`,
    [id, limit],
  ]);
}

const RETRIES = columns({ run: text, count: named("retries", int), nextAt: named("next_at", int) });

export interface RunRetries extends RowOf<typeof RETRIES> {}

/** How many failed tasks of each of these runs are tried again, and the first instant of one. Runs without any are not in it. */
export function* retriesOfRuns(runs: readonly string[]): Tx<RunRetries[]> {
  return yield* manyIn(RETRIES.read, runs, (chunk) => [
    // sql: constants.
    `SELECT run, count(*) AS retries, min(available_at) AS next_at FROM tasks
     WHERE ${RETRYING} AND run || '' IN (${placeholders(chunk.length)}) GROUP BY run`,
    chunk,
  ]);
}

const LAST_ATTEMPT = columns({
  task: text,
  agent: text,
  outcome: oneOf(ATTEMPT_OUTCOMES),
  error: jsonOrNull<AttemptError>,
});
export interface LastAttempt extends RowOf<typeof LAST_ATTEMPT> {}

/** The newest attempts of these tasks, which have ended. */
export function* lastAttempts(tasks: readonly string[]): Tx<LastAttempt[]> {
  return yield* manyIn(LAST_ATTEMPT.read, tasks, (chunk) => [
    `SELECT a.task, a.agent, a.outcome, a.error FROM tasks t JOIN attempts a ON a.task = t.id AND a.number = t.attempt
     WHERE t.id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

/** The pending tasks that depend on one of these, at most `limit`: what comes next. Reads about as many rows, however many depend on them. */
export function* pendingDependents(tasks: readonly string[], limit: number): Tx<Task[]> {
  const found = yield* manyIn(TASKS.read, tasks, (chunk) => [
    // In the order of the index, which ends the reading. A task of several dependencies is found once for each.
    `SELECT ${TASKS.columnsOf("t")} FROM dependencies d JOIN tasks t ON t.id = d.task
     WHERE d.dependency IN (${placeholders(chunk.length, 2)}) AND t.status = 'pending' AND t.available_at IS NULL
     ORDER BY d.dependency, d.task LIMIT $1`,
    [2 * limit, ...chunk],
  ]);
  const byId = new Map(found.map((task) => [task.id, task]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
}

const NEED = columns({ task: text, key: text });

/** The keys of dependencies of these tasks that have not ended, at most `limit` of all. */
export function* openNeeds(tasks: readonly string[], limit: number): Tx<RowOf<typeof NEED>[]> {
  return yield* manyIn(NEED.read, tasks, (chunk) => [
    `SELECT d.task, n.key FROM dependencies d JOIN tasks n ON n.id = d.dependency
     WHERE d.task IN (${placeholders(chunk.length, 2)}) AND n.ended_at IS NULL ORDER BY d.task, n.id LIMIT $1`,
    [limit, ...chunk],
  ]);
}

/** How many attempts at tasks of a run have failed. Reads all its tasks. */
export function* countFailedAttempts(run: string): Tx<number> {
  const sql = "SELECT CAST(COALESCE(sum(failures), 0) AS BIGINT) AS failures FROM tasks WHERE run = $1";
  return (yield* sole(columns({ failures: int }).read, [sql, [run]])).failures;
}
