import type { TaskStatus } from "../../base/statuses.js";
import { deleteEdgesTo, insertEdges } from "./dependencies.js";
import type { AttemptError } from "./attempts.js";
import type { TaskFilter } from "./lists.js";
import { TASKS, type Task, taskAndSpecOf, type TaskAndSpec, type TaskSpec } from "./tasks.js";
import { many, manyIn, bySize, conditionsOf, eachIn, hit, int, jsonOrNull, placeholders, text } from "../rows.js";
import { first, type Row, type Tx } from "../tx.js";

/** The outcome of a step, as expressions read it. */
export interface Outcome {
  readonly task: string;
  readonly key: string;
  readonly status: TaskStatus;
  readonly result: unknown;
  readonly error: AttemptError | null;
}

function outcomeOf(row: Row): Outcome {
  return {
    task: text(row, "id"),
    key: text(row, "key"),
    status: text(row, "status") as TaskStatus,
    result: row["outcome"] === "succeeded" ? jsonOrNull(row, "result") : null,
    error: jsonOrNull<AttemptError>(row, "error"),
  };
}

const OUTCOMES = bySize(
  (size) => `SELECT n.id, n.key, n.status, a.outcome, a.result, a.error FROM tasks n
    LEFT JOIN attempts a ON a.task = n.id AND a.number = n.attempt WHERE n.run = $1 AND n.key IN (${placeholders(size, 2)})`,
);

export function* outcomesByKey(run: string, keys: readonly string[]): Tx<Outcome[]> {
  return yield* manyIn(outcomeOf, keys, (chunk) => [OUTCOMES(chunk.length), [run, ...chunk]]);
}

/** The outcomes of what a task depends on, in the order in which those were made. */
export function* outcomesOfDependencies(task: string): Tx<Outcome[]> {
  return yield* many(outcomeOf, [
    `SELECT n.id, n.key, n.status, a.outcome, a.result, a.error FROM dependencies d JOIN tasks n ON n.id = d.dependency
     LEFT JOIN attempts a ON a.task = n.id AND a.number = n.attempt WHERE d.task = $1 ORDER BY n.id`,
    [task],
  ]);
}

/** How many tasks a task depends on, and how many bytes the list of their results would take: without reading them. */
export function* sizeOfOutcomes(task: string): Tx<{ tasks: number; bytes: number }> {
  const row = yield* first([
    `SELECT count(*) AS tasks, COALESCE(sum(CASE WHEN a.outcome = 'succeeded' AND a.result IS NOT NULL THEN octet_length(a.result) ELSE 4 END), 0)
       AS bytes FROM dependencies d LEFT JOIN tasks n ON n.id = d.dependency
     LEFT JOIN attempts a ON a.task = n.id AND a.number = n.attempt WHERE d.task = $1`,
    [task],
  ]);
  const [tasks, bytes] = row ? [int(row, "tasks"), int(row, "bytes")] : [0, 0];
  // The brackets, and the commas between.
  return { tasks, bytes: bytes + 2 + Math.max(0, tasks - 1) };
}

export interface Rewriting extends Pick<Task, "id" | "title" | "demand" | "scope"> {
  readonly spec: TaskSpec;
}

/** Writes the values of an unstarted task's expressions. */
export function* rewriteTask({ id, title, demand, scope, spec }: Rewriting): Tx<void> {
  yield ["UPDATE tasks SET title = $1, demand = $2, scope = $3 WHERE id = $4", [title, demand, scope, id]];
  yield* saveSpec(id, spec);
}

export function* saveSpec(task: string, spec: TaskSpec): Tx<void> {
  yield ["UPDATE task_specs SET spec = $1 WHERE task = $2", [JSON.stringify(spec), task]];
}

/** A task has expressions again that are to be filled in when it begins. */
export function* markReadsSpecOnStart(task: string): Tx<void> {
  yield ["UPDATE tasks SET timed = 1 WHERE id = $1", [task]];
}

export interface WaitingStart extends Pick<Task, "dueAt" | "closeBy"> {
  readonly task: string;
  readonly at: number;
}

/** pending → waiting. Each time under another token, by which an answer says what it answers. */
export function* startWaiting({ task, at, dueAt, closeBy }: WaitingStart): Tx<void> {
  yield [
    `UPDATE tasks SET status = 'waiting', token = token + 1, ready_at = $1, started_at = $1, due_at = $2, close_by = $3, available_at = NULL, reasons = NULL
     WHERE id = $4 AND status = 'pending'`,
    [at, dueAt, closeBy, task],
  ];
}

/** Ends an unclaimed task, with an attempt of the server's own, under a token of its own. */
export function* closeUnheld({ id, status, endedAt, reasons, failures }: Task, from: TaskStatus): Tx<boolean> {
  return yield* hit([
    `UPDATE tasks SET status = $1, attempt = attempt + 1, token = token + 1, ended_at = $2, reasons = $3, due_at = NULL, reserved_for = NULL,
       reserved_until = NULL, failures = $6 WHERE id = $4 AND status = $5 RETURNING id`,
    [status, endedAt, reasons.length === 0 ? null : JSON.stringify(reasons), id, from, failures],
  ]);
}

/** waiting → pending, with an attempt of the server's own that has failed. */
export function* tryAgainLater({ id, failures, availableAt, dueAt }: Task): Tx<boolean> {
  return yield* hit([
    `UPDATE tasks SET status = 'pending', attempt = attempt + 1, token = token + 1, failures = $1, available_at = $2, due_at = $3,
       ready_at = NULL WHERE id = $4 AND status = 'waiting' RETURNING id`,
    [failures, availableAt, dueAt, id],
  ]);
}

/** waiting → pending, for a task that waited for a decision. */
export function* stopWaiting(task: string): Tx<void> {
  yield ["UPDATE tasks SET status = 'pending', ready_at = NULL WHERE id = $1 AND status = 'waiting'", [task], 1];
}

/** in_review → pending, for a task that is to be revised. */
export function* reviseTask(task: string): Tx<void> {
  yield [
    "UPDATE tasks SET status = 'pending', ready_at = NULL, due_at = close_by WHERE id = $1 AND status = 'in_review'",
    [task],
    1,
  ];
}

/** A task that waits for its elements instead of its dependencies, which the elements now have. */
export function* waitForElements(task: string, elements: readonly string[]): Tx<void> {
  yield* deleteEdgesTo([task]);
  yield [
    `UPDATE tasks SET deps_total = $1, deps_succeeded = 0, deps_failed = 0, deps_skipped = 0, trigger_rule = 'none_failed'
     WHERE id = $2`,
    [elements.length, task],
  ];
  yield* insertEdges(elements.map((element) => [element, task]));
}

export function* addDependents(tasks: readonly string[], more: number): Tx<void> {
  yield* eachIn(tasks, (chunk) => [
    `UPDATE tasks SET dependents = dependents + $1 WHERE id IN (${placeholders(chunk.length, 2)})`,
    [more, ...chunk],
  ]);
}

/** Waiting tasks of a run with what they wait for, in the order in which they were made. */
export function* waitingTasks(run: string): Tx<TaskAndSpec[]> {
  return yield* many(taskAndSpecOf, [
    `SELECT ${TASKS.columnsOf("t")}, s.spec FROM tasks t JOIN task_specs s ON s.task = t.id WHERE t.run = $1 AND t.status = 'waiting'
     ORDER BY t.id`,
    [run],
  ]);
}

export type QuestionQuery = Pick<TaskFilter, "run" | "project" | "after" | "limit">;

/** Human steps that wait for a decision, in runs that have not ended, in the order in which they were made. */
export function* openQuestions(filter: QuestionQuery): Tx<TaskAndSpec[]> {
  const { where, params } = conditionsOf([
    ["r.id =", filter.run],
    ["r.project =", filter.project],
    ["t.id || '' >", filter.after],
  ]);
  return yield* many(taskAndSpecOf, [
    // The order is that of an expression: by the ids themselves, every task there is would be looked at, instead of the runs under way.
    // sql: the comparisons are those above.
    `SELECT ${TASKS.columnsOf("t")}, s.spec FROM runs r JOIN tasks t ON t.run = r.id AND t.status = 'waiting' AND t.kind = 'human'
       AND r.ended_at IS NULL JOIN task_specs s ON s.task = t.id ${where} ORDER BY t.id || '' LIMIT $${params.length + 1}`,
    [...params, filter.limit],
  ]);
}
