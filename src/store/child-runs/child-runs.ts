import { many, mapIn, chunksOf, eachIn, hit, idOf, int, one, only, placeholders, sole, text } from "../rows.js";
import { first, type Tx } from "../tx.js";

/** Child runs, and runs that are due for the tick. */

/** How many runs may be open within one. */
export const DESCENDANTS_MAX = 1_000;

/** Returns the open descendants of a run, in the order in which runs are locked. At most 1,000. */
export function* openDescendants(run: string): Tx<string[]> {
  return yield* many(idOf, [
    `WITH RECURSIVE below (id) AS (
       SELECT id FROM runs WHERE parent_run = $1 AND ended_at IS NULL
       UNION SELECT r.id FROM runs r JOIN below b ON r.parent_run = b.id WHERE r.ended_at IS NULL
     ) SELECT id FROM below ORDER BY id LIMIT $2`,
    [run, DESCENDANTS_MAX],
  ]);
}

/** The run that a run is within, at last; itself where it is within none. */
export function* rootOf(run: string): Tx<string> {
  const root = yield* one(idOf, [
    `WITH RECURSIVE above (id, parent_run) AS (
       SELECT id, parent_run FROM runs WHERE id = $1
       UNION SELECT r.id, r.parent_run FROM runs r JOIN above a ON r.id = a.parent_run
     ) SELECT id FROM above WHERE parent_run IS NULL LIMIT 1`,
    [run],
  ]);
  return root ?? run;
}

/** Returns a run and the runs that it is within. */
export function* withAncestors(run: string): Tx<string[]> {
  return yield* many(idOf, [
    `WITH RECURSIVE above (id, parent_run) AS (
       SELECT id, parent_run FROM runs WHERE id = $1
       UNION SELECT r.id, r.parent_run FROM runs r JOIN above a ON r.id = a.parent_run
     ) SELECT id FROM above`,
    [run],
  ]);
}

/** Whether any descendant of a run, open or ended, is at this depth. */
export function* reachesDepth(run: string, depth: number): Tx<boolean> {
  return yield* hit([
    `WITH RECURSIVE below (id, depth) AS (
       SELECT id, depth FROM runs WHERE id = $1
       UNION SELECT r.id, r.depth FROM runs r JOIN below b ON r.parent_run = b.id
     ) SELECT 1 AS one FROM below WHERE depth >= $2 LIMIT 1`,
    [run, depth],
  ]);
}

export function* countOpenChildren(run: string): Tx<number> {
  return yield* sole(only("n", int), [
    "SELECT count(*) AS n FROM runs WHERE parent_run = $1 AND ended_at IS NULL",
    [run],
  ]);
}

/** The open child runs of tasks, by task. */
export function* childRunsOf(run: string, tasks: readonly string[]): Tx<ReadonlyMap<string, string>> {
  return yield* mapIn(
    (row) => [text(row, "parent_task"), text(row, "id")],
    tasks,
    (chunk) => [
      `SELECT id, parent_task FROM runs WHERE parent_run = $1 AND ended_at IS NULL AND parent_task IN (${placeholders(chunk.length, 2)})`,
      [run, ...chunk],
    ],
  );
}

/**
 * Lets the tick look at the open child runs of a run, or of some of its tasks, where there are any. It is recorded in
 * the run's own row, which the caller holds: their rows are locked by the tick alone, in their order and with nothing
 * else.
 */
export function* wakeChildRuns(run: string, at: number, tasks?: readonly string[]): Tx<void> {
  const open = "EXISTS (SELECT 1 FROM runs c WHERE c.parent_run = $2 AND c.ended_at IS NULL";
  if (tasks === undefined) {
    // sql: the condition above.
    yield [`UPDATE runs SET due_at = $1 WHERE id = $2 AND ${open})`, [at, run]];
    return;
  }
  for (const chunk of chunksOf(tasks)) {
    // sql: the condition above.
    const sql = `UPDATE runs SET due_at = $1 WHERE id = $2 AND ${open} AND c.parent_task IN (${placeholders(chunk.length, 3)}))`;
    yield [sql, [at, run, ...chunk]];
  }
}

/** All runs that are or were started by a run itself, in their order. */
export function* childrenOf(run: string): Tx<string[]> {
  return yield* many(idOf, ["SELECT id FROM runs WHERE parent_run = $1 ORDER BY id", [run]]);
}

/** Lets the tick look at these runs, whose rows are held. */
export function* wakeRuns(runs: readonly string[], at: number): Tx<void> {
  yield* eachIn(runs, (chunk) => [
    `UPDATE runs SET due_at = $1 WHERE id IN (${placeholders(chunk.length, 2)})`,
    [at, ...chunk],
  ]);
}

/** The runs whose time has come. */
export function* dueRuns(now: number, limit: number): Tx<string[]> {
  return yield* many(idOf, [
    "SELECT id FROM runs WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2",
    [now, limit],
  ]);
}

export function* setRunDueAt(run: string, dueAt: number | null): Tx<void> {
  yield ["UPDATE runs SET due_at = $1 WHERE id = $2", [dueAt, run]];
}

/** Lets the tick look at the next task of a run that has waited for capacity to start its child run. Returns whether there is one. */
export function* wakeNextUnstarted(run: string, at: number): Tx<boolean> {
  return yield* hit([
    `UPDATE tasks SET due_at = $1 WHERE id = (SELECT t.id FROM tasks t WHERE t.run = $2 AND t.status = 'waiting' AND t.kind = 'workflow'
       AND NOT EXISTS (SELECT 1 FROM runs c WHERE c.parent_run = $2 AND c.parent_task = t.id
         AND (c.ended_at IS NULL OR c.due_at IS NOT NULL))
       ORDER BY t.id LIMIT 1) RETURNING id`,
    [at, run],
  ]);
}

const LAST_RESULTS = `FROM tasks t JOIN attempts a ON a.task = t.id AND a.number = t.attempt
   WHERE t.run = $1 AND t.dependents = 0 AND t.status = 'succeeded' AND a.result IS NOT NULL ORDER BY t.id LIMIT 1000`;

/** How many bytes the results of the last steps of a run take, with their keys: without reading them. */
export function* sizeOfLastResults(run: string): Tx<number> {
  const row = yield* first([
    // sql: the tasks above.
    `SELECT count(*) AS tasks, COALESCE(sum(octet_length(l.key) + octet_length(l.result)), 0) AS bytes FROM (SELECT t.key, a.result ${LAST_RESULTS}) l`,
    [run],
  ]);
  const [tasks, bytes] = row ? [int(row, "tasks"), int(row, "bytes")] : [0, 0];
  // The braces; of each its quotes and its colon, and the commas between.
  return bytes + 2 + 3 * tasks + Math.max(0, tasks - 1);
}

/** The result of each of the last steps of a run, those that none depends on, by key. */
export function* lastResults(run: string): Tx<Record<string, unknown>> {
  // sql: the tasks above.
  const rows = yield [`SELECT t.key, a.result ${LAST_RESULTS}`, [run]];
  return Object.fromEntries(rows.map((row) => [text(row, "key"), JSON.parse(text(row, "result")) as unknown]));
}
