import { detachTasks } from "./dependencies.js";
import { TASKS, type Task, type TaskAndSpec, taskAndSpecOf, type TaskSpec } from "./tasks.js";
import { saveSpec } from "./server-steps.js";
import { many, mapIn, eachIn, json, placeholders, text } from "../rows.js";
import type { Tx } from "../tx.js";

/** Deletes unstarted tasks; the history keeps their events. */
export function* deleteTasks(tasks: readonly string[]): Tx<void> {
  yield* detachTasks(tasks);
  yield* eachIn(tasks, (chunk) => [`DELETE FROM task_specs WHERE task IN (${placeholders(chunk.length)})`, chunk]);
  yield* eachIn(tasks, (chunk) => [`DELETE FROM tasks WHERE id IN (${placeholders(chunk.length)})`, chunk]);
}

export function* setDegrees(task: string, degrees: { depsTotal: number; dependents: number }): Tx<void> {
  yield [
    "UPDATE tasks SET deps_total = $1, dependents = $2 WHERE id = $3",
    [degrees.depsTotal, degrees.dependents, task],
  ];
}

/** ready → pending: what it waits for now has not ended. */
export function* holdTasks(tasks: readonly string[]): Tx<void> {
  yield* eachIn(tasks, (chunk) => [
    `UPDATE tasks SET status = 'pending', ready_at = NULL, due_at = reserved_until, reasons = NULL
       WHERE status = 'ready' AND id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

/** Pending tasks that waited for their retry wait for their dependencies alone. */
export function* forgetRetries(tasks: readonly string[]): Tx<void> {
  yield* eachIn(tasks, (chunk) => [
    `UPDATE tasks SET available_at = NULL, due_at = reserved_until
       WHERE status = 'pending' AND id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

/** Replaces the content of an unstarted task by another step's. */
export function* reviseTask(task: Task, spec: TaskSpec): Tx<void> {
  const { id, title, role, demand, scope, trigger, estimateMs, readsSpecOnStart, latestStart, author, phase } = task;
  yield [
    `UPDATE tasks SET title = $1, role = $2, demand = $3, scope = $4, trigger_rule = $5, estimate_ms = $6, timed = $7, latest_start = $8, author = $9, phase = $10
     WHERE id = $11`,
    [title, role, demand, scope, trigger, estimateMs, readsSpecOnStart ? 1 : 0, latestStart, author, phase, id],
  ];
  yield* saveSpec(id, spec);
}

/** Where a task stands in the order. */
export function* setPlace(task: Task): Tx<void> {
  yield [
    "UPDATE tasks SET priority = $1, bucket = $2, rank_order = $3, latest_start = $4 WHERE id = $5",
    [task.priority, task.bucket, task.rankOrder, task.latestStart, task.id],
  ];
}

/** The tasks of a run that have not begun and whose expressions are still to be read. */
export function* tasksToRead(run: string): Tx<TaskAndSpec[]> {
  return yield* many(taskAndSpecOf, [
    `SELECT ${TASKS.columnsOf("t")}, s.spec FROM tasks t JOIN task_specs s ON s.task = t.id
     WHERE t.run = $1 AND (t.status = 'pending' OR t.status = 'blocked') AND t.timed = 1 ORDER BY t.id`,
    [run],
  ]);
}

/** The specs of these tasks, by task. */
export function* specsOf(tasks: readonly string[]): Tx<ReadonlyMap<string, TaskSpec>> {
  return yield* mapIn(
    (row) => [text(row, "task"), json<TaskSpec>(row, "spec")],
    tasks,
    (chunk) => [`SELECT task, spec FROM task_specs WHERE task IN (${placeholders(chunk.length)})`, chunk],
  );
}
