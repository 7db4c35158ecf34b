import { TASK_STATUSES, type TaskStatus } from "../../base/statuses.js";
import { eachIn, flag, int, manyIn, one, only, placeholders, sole, text } from "../rows.js";
import { columns, named, type RowOf } from "../tables.js";
import type { SqlValue, Tx } from "../tx.js";

const BY_STATUS = Object.fromEntries(TASK_STATUSES.map((status) => [status, int])) as Record<TaskStatus, typeof int>;
const SUMS = columns(BY_STATUS);
const COUNTERS = columns({
  total: int,
  ...BY_STATUS,
  /** Estimated work of all tasks and of those that have settled, in milliseconds. */
  workMs: int,
  doneMs: int,
  updatedAt: int,
  /** Whether a milestone waits for the run or for one of its tasks. */
  milestones: flag,
  /** Whether the task that was claimed last runs alone in the run. */
  alone: flag,
  /** Cost of its own tasks, in millionths of a US dollar. */
  cost: named("cost_micros", int),
});
/** How many tasks of a run stand in each state; the ten sum to total. */
export interface Counters extends RowOf<typeof COUNTERS> {}

export interface CounterDelta {
  readonly run: string;
  readonly now: number;
  readonly by: Readonly<Partial<Record<TaskStatus, number>>>;
  readonly workMs: number;
  readonly doneMs: number;
  /** Default: 0. */
  readonly cost?: number;
  /** Where a task is claimed: whether it runs alone. */
  readonly alone?: boolean | undefined;
}

// One text for every change: the row is narrow, and a statement less to prepare is worth more than a column less to write.
// sql: made of the names of the states.
const MOVE = `UPDATE run_counters SET ${TASK_STATUSES.map((status, i) => `${status} = ${status} + $${i + 5}`).join(", ")},
  total = total + $4, work_ms = work_ms + $2, done_ms = done_ms + $3, cost_micros = cost_micros + $16,
  alone = COALESCE($17, alone), updated_at = $1 WHERE run = $15`;
// sql: the same.
const MOVE_AND_READ = `${MOVE} RETURNING ${COUNTERS.columns}`;

function valuesOf(delta: CounterDelta): SqlValue[] {
  const by = TASK_STATUSES.map((status) => delta.by[status] ?? 0);
  const total = by.reduce((sum, n) => sum + n, 0);
  return [delta.now, delta.workMs, delta.doneMs, total, ...by, delta.run, delta.cost ?? 0, aloneValue(delta)];
}

function aloneValue({ alone }: CounterDelta): number | null {
  return alone === undefined ? null : alone ? 1 : 0;
}

/** Adds the differences to a run's counters and gives them as they are then. */
export function* addToCounters(delta: CounterDelta): Tx<Counters> {
  return yield* sole(COUNTERS.read, [MOVE_AND_READ, valuesOf(delta)]);
}

/** The same where the counters were read since the run was locked: nothing is read, so that the write need not be waited for. */
export function* moveCounters(before: Counters, delta: CounterDelta): Tx<Counters> {
  yield [MOVE, valuesOf(delta)];
  const after: { -readonly [K in keyof Counters]: Counters[K] } = {
    ...before,
    workMs: before.workMs + delta.workMs,
    doneMs: before.doneMs + delta.doneMs,
    cost: before.cost + (delta.cost ?? 0),
    alone: delta.alone ?? before.alone,
    updatedAt: delta.now,
  };
  for (const status of TASK_STATUSES) {
    const by = delta.by[status] ?? 0;
    after[status] += by;
    after.total += by;
  }
  return after;
}

// sql: made of the names of the states.
const RECOUNT = `UPDATE run_counters SET (total, work_ms, done_ms, ${TASK_STATUSES.join(", ")}) = (
    SELECT count(*), COALESCE(sum(estimate_ms), 0),
      COALESCE(sum(CASE WHEN status IN ('succeeded', 'skipped', 'cancelled') THEN estimate_ms ELSE 0 END), 0),
      ${TASK_STATUSES.map((status) => `count(*) FILTER (WHERE status = '${status}')`).join(", ")}
    FROM tasks WHERE run = $1), updated_at = $2 WHERE run = $1`;

/** Counts the tasks of a run, after rows have been written without being counted. */
export function* recountTasks(run: string, now: number): Tx<void> {
  yield [RECOUNT, [run, now]];
}

const FIND = `SELECT ${COUNTERS.columns} FROM run_counters WHERE run = $1`;
const FIND_OF_PLAIN_TASK = `SELECT ${COUNTERS.columns} FROM run_counters
  WHERE run = (SELECT run FROM tasks WHERE id = $1 AND holds_files = 0)`;

export function* findCounters(run: string): Tx<Counters> {
  const counters = yield* countersIfAny(run);
  if (!counters) throw new Error(`run ${run} has no counters`);
  return counters;
}

/** The counters of a run that may have been deleted. */
export function countersIfAny(run: string): Tx<Counters | undefined> {
  return one(COUNTERS.read, [FIND, [run]]);
}

/** The counters of the run of a task that holds no files. */
export function countersOfPlainTask(task: string): Tx<Counters | undefined> {
  return one(COUNTERS.read, [FIND_OF_PLAIN_TASK, [task]]);
}

/** Returns those of these runs in which a task is running. */
export function* runsAtWork(runs: readonly string[]): Tx<ReadonlySet<string>> {
  const rows = yield* manyIn(only("run", text), runs, (chunk) => [
    `SELECT run FROM run_counters WHERE running > 0 AND run IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
  return new Set(rows);
}

/** Records that a milestone waits for these runs or their tasks. The caller holds the runs' rows. */
export function* recordMilestones(runs: readonly string[]): Tx<void> {
  yield* eachIn(runs, (chunk) => [
    `UPDATE run_counters SET milestones = 1 WHERE run IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

/** The sums over all runs, finished ones as long as they are kept. Costs O(runs). */
export function* sumCounters(project?: string): Tx<Readonly<Record<TaskStatus, number>>> {
  const sums = TASK_STATUSES.map((status) => `COALESCE(CAST(SUM(c.${status}) AS BIGINT), 0) AS ${status}`).join(", ");
  // sql: the same.
  const all = `SELECT ${sums} FROM run_counters c`;
  // sql: the same.
  const ofProject = `${all} JOIN runs r ON r.id = c.run WHERE r.project = $1`;
  return yield* sole(SUMS.read, project === undefined ? [all] : [ofProject, [project]]);
}
