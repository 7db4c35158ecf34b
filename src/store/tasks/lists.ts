import type { TaskStatus, TriggerRule } from "../../base/statuses.js";
import { type Edge, insertEdges } from "./dependencies.js";
import { LINE_TASKS, type LineTask, TASKS, type Task } from "./tasks.js";
import { many, manyIn, chunksOf, conditionsOf, eachIn, int, one, only, placeholders, text } from "../rows.js";
import type { Columns } from "../tables.js";
import type { Tx } from "../tx.js";

/** Several tasks at once: by state, by filter, by key, or all of a run with its edges. */

// In the very words of the index tasks_stuck.
const STUCK = "status = 'waiting' OR status = 'in_review' OR status = 'blocked' OR status = 'dead_letter'";

// Each of these states has a small index, which SQLite takes only where the condition of that index stands in the query.
// The run is compared as an expression where its own index, which holds every task of the run, would be the worse way, and what is
// ready is named by demand as well, which is what its index leads with after the run.
const IN_STATE: Readonly<Partial<Record<TaskStatus, string>>> = {
  ready: "run = $1 AND demand IN (SELECT demand FROM lanes WHERE run = $1) AND status = 'ready'",
  running: "agent IS NOT NULL AND run || '' = $1",
  waiting: stuck("waiting"),
  in_review: stuck("in_review"),
  blocked: stuck("blocked"),
  dead_letter: stuck("dead_letter"),
};

function stuck(status: TaskStatus): string {
  // sql: the status is one of the four.
  return `run = $1 AND status = '${status}' AND (${STUCK})`;
}

/** Tasks of a run in one state, in order of creation, at most `limit`. Costs O(tasks in that state) for those that are still open. */
export function* tasksInState(run: string, status: keyof typeof IN_STATE, limit: number): Tx<Task[]> {
  // sql: put together from the constants above; one text per state.
  return yield* many(TASKS.read, [
    `SELECT ${TASKS.columns} FROM tasks WHERE ${IN_STATE[status]} ORDER BY id LIMIT $2`,
    [run, limit],
  ]);
}

/** The pending tasks of a run that its plan has last: what it is for, as a rule. */
export function* lastPending(run: string, limit: number): Tx<Task[]> {
  return yield* many(TASKS.read, [
    `SELECT ${TASKS.columns} FROM tasks WHERE run = $1 AND status = 'pending' ORDER BY id DESC LIMIT $2`,
    [run, limit],
  ]);
}

/** Dependencies of tasks that have not ended well and are no mere waiting ones: what holds these tasks up. */
export function* holdUpsOf(tasks: readonly string[], limit: number): Tx<Task[]> {
  return yield* manyIn(TASKS.read, tasks, (chunk) => [
    `SELECT ${TASKS.columns} FROM tasks
     WHERE id IN (SELECT dependency FROM dependencies WHERE task IN (${placeholders(chunk.length, 2)}))
       AND status IN ('running', 'waiting', 'in_review', 'blocked', 'dead_letter')
     ORDER BY id LIMIT $1`,
    [limit, ...chunk],
  ]);
}

export interface TaskFilter {
  readonly run?: string | undefined;
  readonly project?: string | undefined;
  readonly status?: string | undefined;
  readonly agent?: string | undefined;
  readonly role?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** The index that names the few tasks of a state, which SQLite would leave for the order of ids and read every task. */
const AMONG: Readonly<Partial<Record<string, string>>> = {
  running: "agent IS NOT NULL",
  waiting: STUCK,
  in_review: STUCK,
  blocked: STUCK,
  dead_letter: STUCK,
};

/** In order of creation. Costs O(tasks in that state) where they are still open, and those of one run where it is named. */
export function* listTasks(filter: TaskFilter): Tx<Task[]> {
  const { where, params } = conditionsOf([
    ["run =", filter.run],
    ["project =", filter.project],
    ["status =", filter.status],
    ["agent =", filter.agent],
    ["role =", filter.role],
    ["id >", filter.after],
  ]);
  const { status, run } = filter;
  const few = status === undefined || run !== undefined ? undefined : AMONG[status];
  const among = few && `AND id IN (SELECT id FROM tasks WHERE status = '${status}' AND (${few}))`;
  // sql: the comparisons are those above, and the state is one of those of AMONG.
  const sql = `SELECT ${TASKS.columns} FROM tasks ${where} ${among ?? ""} ORDER BY id LIMIT $${params.length + 1}`;
  return yield* many(TASKS.read, [sql, [...params, filter.limit]]);
}

/** Ready tasks in the order of claims, as `listTasks`; `after` is the place of the last one, by `placeInOrder`. */
export function* listReadyTasks(filter: Omit<TaskFilter, "status">): Tx<Task[]> {
  const { where, params } = conditionsOf([
    ["status =", "ready"],
    ["run =", filter.run],
    ["project =", filter.project],
    ["agent =", filter.agent],
    ["role =", filter.role],
  ]);
  const place = filter.after === undefined ? [] : placeOf(filter.after);
  const [bucket, latest, rank, id] = [1, 2, 3, 4].map((more) => `$${params.length + more}`);
  const beyond =
    place.length === 0 ? "" : `AND (bucket, latest_start, rank_order, id) > (${bucket}, ${latest}, ${rank}, ${id})`;
  // sql: the comparisons are those above.
  const sql = `SELECT ${TASKS.columns} FROM tasks ${where} ${beyond}
    ORDER BY bucket, latest_start, rank_order, id LIMIT $${params.length + place.length + 1}`;
  return yield* many(TASKS.read, [sql, [...params, ...place, filter.limit]]);
}

/** Where a task stands in the order of claims. */
export function placeInOrder({ bucket, latestStart, rankOrder, id }: Task): string {
  return [bucket, latestStart, rankOrder, id].join("~");
}

function placeOf(cursor: string): (string | number)[] {
  const [bucket, latest, rank, id = ""] = cursor.split("~");
  return [Number(bucket), Number(latest), Number(rank), id];
}

export interface GraphOfRun<T> {
  readonly tasks: T[];
  readonly edges: [dependency: string, task: string][];
}

/** Every task and edge of a run: for its modification, not for each claim. */
export function graphOfRun(run: string): Tx<GraphOfRun<Task>> {
  return graphWith(TASKS, run);
}

/** The same with the tasks as lines: for pictures and figures. Of 10,000 tasks all columns take five times as long. */
export function graphLinesOfRun(run: string): Tx<GraphOfRun<LineTask>> {
  return graphWith(LINE_TASKS, run);
}

function* graphWith<T>({ columns, read }: Columns<T>, run: string): Tx<GraphOfRun<T>> {
  // sql: the columns are those of a table's description.
  const tasks = yield [`SELECT ${columns} FROM tasks WHERE run = $1 ORDER BY id`, [run]];
  const edges = yield [
    "SELECT d.dependency, d.task FROM tasks t JOIN dependencies d ON d.task = t.id WHERE t.run = $1 ORDER BY d.task, d.dependency",
    [run],
  ];
  return { tasks: tasks.map(read), edges: edges.map((row) => [text(row, "dependency"), text(row, "task")]) };
}

/** The edges of a run by the ids of their tasks, the waiting one first. */
export function* edgesOfRun(run: string): Tx<[task: string, dependency: string][]> {
  const sql = "SELECT d.task, d.dependency FROM tasks t JOIN dependencies d ON d.task = t.id WHERE t.run = $1";
  return (yield [sql, [run]]).map((row) => [text(row, "task"), text(row, "dependency")]);
}

/** Returns the existing ones of these tasks, in no order. */
export function* findTasks(ids: readonly string[]): Tx<Task[]> {
  return yield* manyIn(TASKS.read, ids, (chunk) => [
    `SELECT ${TASKS.columns} FROM tasks WHERE id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

export function* findTasksByKeys(run: string, keys: readonly string[]): Tx<Task[]> {
  return yield* manyIn(TASKS.read, keys, (chunk) => [
    `SELECT ${TASKS.columns} FROM tasks WHERE run = $1 AND key IN (${placeholders(chunk.length, 2)})`,
    [run, ...chunk],
  ]);
}

/** Tasks of a run that have this title, in order of creation. */
export function* findTasksByTitle(run: string, title: string, limit: number): Tx<Task[]> {
  const sql = `SELECT ${TASKS.columns} FROM tasks WHERE run = $1 AND title = $2 ORDER BY id LIMIT $3`;
  return yield* many(TASKS.read, [sql, [run, title, limit]]);
}

export function* countDependents(tasks: readonly string[]): Tx<void> {
  yield* eachIn(tasks, (chunk) => [
    `UPDATE tasks SET dependents = dependents + 1 WHERE id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

export interface Replacement {
  readonly task: string;
  readonly by: readonly string[];
  /** Its dependents, which have not begun. */
  readonly behind: readonly string[];
}

/** Lets what waits for a task wait for others instead. */
export function* replaceDependency({ task, by, behind }: Replacement): Tx<void> {
  for (const chunk of chunksOf(behind)) {
    yield [
      `DELETE FROM dependencies WHERE dependency = $1 AND task IN (${placeholders(chunk.length, 2)})`,
      [task, ...chunk],
    ];
    yield [
      `UPDATE tasks SET deps_total = deps_total + $1 WHERE id IN (${placeholders(chunk.length, 2)})`,
      [by.length - 1, ...chunk],
    ];
  }
  yield* insertEdges(behind.flatMap((dependent) => by.map((dependency): Edge => [dependency, dependent])));
}

export function* keysOfRun(run: string): Tx<string[]> {
  return yield* many(only("key", text), ["SELECT key FROM tasks WHERE run = $1 ORDER BY id LIMIT 10000", [run]]);
}

/** The direct dependents of a task that stand in one state. */
export function* dependentsInState(task: string, status: TaskStatus): Tx<Task[]> {
  return yield* many(TASKS.read, [
    `SELECT ${TASKS.columnsOf("t")} FROM dependencies d JOIN tasks t ON t.id = d.task WHERE d.dependency = $1 AND t.status = $2 ORDER BY t.id`,
    [task, status],
  ]);
}

/** Whether a task has a dependent with this trigger rule. */
export function* hasDependentWith(task: string, trigger: TriggerRule): Tx<boolean> {
  const sql = `SELECT 1 AS one FROM dependencies d JOIN tasks t ON t.id = d.task WHERE d.dependency = $1 AND t.trigger_rule = $2 LIMIT 1`;
  return (yield [sql, [task, trigger]]).length > 0;
}

/** The blocked and cancelled tasks that depend on any of these, in order of their ids. */
export function* stoppedBehind(tasks: readonly string[]): Tx<{ id: string; blocked: boolean }[]> {
  const found = new Map<string, boolean>();
  for (const chunk of chunksOf(tasks)) {
    const rows = yield [
      `SELECT DISTINCT t.id, t.status FROM dependencies d JOIN tasks t ON t.id = d.task
       WHERE t.status IN ('blocked', 'cancelled') AND d.dependency IN (${placeholders(chunk.length)})`,
      chunk,
    ];
    for (const row of rows) found.set(text(row, "id"), text(row, "status") === "blocked");
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, blocked]) => ({ id, blocked }));
}

/** How many tasks of a run have not ended. */
export function* sumOpenTasks(run: string): Tx<number> {
  return (
    (yield* one(only("open_tasks", int), [
      "SELECT pending + ready + running + waiting + in_review + blocked AS open_tasks FROM run_counters WHERE run = $1",
      [run],
    ])) ?? 0
  );
}

/** The open tasks of a project that have lost leases in a row, those that have lost the most first. */
export function* losingTasks(project: string, limit: number): Tx<Pick<Task, "id" | "key" | "run" | "losses">[]> {
  return yield* many(LOSING.read, [
    `SELECT ${LOSING.columns} FROM tasks WHERE project = $1 AND losses > 0 AND ended_at IS NULL ORDER BY losses DESC, id LIMIT $2`,
    [project, limit],
  ]);
}

const LOSING = TASKS.pick("id", "key", "run", "losses");
