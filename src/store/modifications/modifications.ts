import { chunksOf, insertRows, jsonOrNull, placeholders, text } from "../rows.js";
import type { RunShape } from "../runs/runs.js";
import { T_COLUMNS, type Task, type TaskAndSpec, taskAndSpecOf, type TaskSpec } from "../tasks/tasks.js";
import { first, type Tx } from "../tx.js";

/** Changes of the graph of a run under way. Whoever makes them holds the run's row. */
export type Edge = readonly [dependency: string, task: string];

/** Tasks that nobody has begun go without a trace but the history. */
export function* deleteTasks(tasks: readonly string[]): Tx<void> {
  for (const chunk of chunksOf(tasks)) {
    yield [`DELETE FROM dependencies WHERE task IN (${placeholders(chunk.length)})`, chunk];
    yield [`DELETE FROM dependencies WHERE dependency IN (${placeholders(chunk.length)})`, chunk];
    yield [`DELETE FROM task_specs WHERE task IN (${placeholders(chunk.length)})`, chunk];
    yield [`DELETE FROM tasks WHERE id IN (${placeholders(chunk.length)})`, chunk];
  }
}

export function* deleteEdges(edges: readonly Edge[]): Tx<void> {
  for (const edge of edges) yield ["DELETE FROM dependencies WHERE dependency = $1 AND task = $2", edge];
}

export function* insertEdges(edges: readonly Edge[]): Tx<void> {
  yield* insertRows({ table: "dependencies", columns: ["dependency", "task"] }, edges);
}

export function* setDegrees(task: string, degrees: { depsTotal: number; dependents: number }): Tx<void> {
  yield [
    "UPDATE tasks SET deps_total = $1, dependents = $2 WHERE id = $3",
    [degrees.depsTotal, degrees.dependents, task],
  ];
}

/** ready → pending: what it waits for now has not ended. */
export function* holdTasks(tasks: readonly string[]): Tx<void> {
  for (const chunk of chunksOf(tasks)) {
    yield [
      `UPDATE tasks SET status = 'pending', ready_at = NULL, due_at = reserved_until, reasons = NULL
       WHERE status = 'ready' AND id IN (${placeholders(chunk.length)})`,
      chunk,
    ];
  }
}

/** Pending tasks that waited for their retry wait for their dependencies alone. */
export function* forgetRetries(tasks: readonly string[]): Tx<void> {
  for (const chunk of chunksOf(tasks)) {
    yield [
      `UPDATE tasks SET available_at = NULL, due_at = reserved_until
       WHERE status = 'pending' AND id IN (${placeholders(chunk.length)})`,
      chunk,
    ];
  }
}

/** Gives a task that nobody has begun what another step says. */
export function* reviseTask(task: Task, spec: TaskSpec): Tx<void> {
  yield [
    `UPDATE tasks SET title = $1, role = $2, demand = $3, scope = $4, trigger_rule = $5, estimate_ms = $6, timed = $7, latest_start = $8
     WHERE id = $9`,
    [
      task.title,
      task.role,
      task.demand,
      task.scope,
      task.trigger,
      task.estimateMs,
      task.readsSpecOnStart ? 1 : 0,
      task.latestStart,
      task.id,
    ],
  ];
  yield ["UPDATE task_specs SET spec = $1 WHERE task = $2", [JSON.stringify(spec), task.id]];
}

/** Where a task stands in the order. */
export function* setPlace(task: Task): Tx<void> {
  yield [
    "UPDATE tasks SET priority = $1, bucket = $2, rank_order = $3, latest_start = $4 WHERE id = $5",
    [task.priority, task.bucket, task.rankOrder, task.latestStart, task.id],
  ];
}

/** The next revision of a run, and what its graph looks like now. */
export function* setRevision(run: string, revision: number, shape: RunShape): Tx<void> {
  yield ["UPDATE runs SET revision = $1, shape = $2 WHERE id = $3", [revision, JSON.stringify(shape), run]];
}

/** The definition a run was started from; undefined for one of ad-hoc tasks. */
export function* findRunDefinition(run: string): Tx<Readonly<Record<string, unknown>> | undefined> {
  const row = yield* first(["SELECT definition FROM run_definitions WHERE run = $1", [run]]);
  return row && (jsonOrNull<Record<string, unknown>>(row, "definition") ?? undefined);
}

/** The tasks of a run that have not begun and whose expressions are still to be read. */
export function* tasksToRead(run: string): Tx<TaskAndSpec[]> {
  const rows = yield [
    `SELECT ${T_COLUMNS}, s.spec FROM tasks t JOIN task_specs s ON s.task = t.id
     WHERE t.run = $1 AND (t.status = 'pending' OR t.status = 'blocked') AND t.timed = 1 ORDER BY t.id`,
    [run],
  ];
  return rows.map(taskAndSpecOf);
}

/** The specs of these tasks, by task. */
export function* specsOf(tasks: readonly string[]): Tx<ReadonlyMap<string, TaskSpec>> {
  const specs = new Map<string, TaskSpec>();
  for (const chunk of chunksOf(tasks)) {
    const rows = yield [`SELECT task, spec FROM task_specs WHERE task IN (${placeholders(chunk.length)})`, chunk];
    for (const row of rows) specs.set(text(row, "task"), JSON.parse(text(row, "spec")) as TaskSpec);
  }
  return specs;
}
