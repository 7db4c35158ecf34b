import { grouped } from "../../base/lists/groups.js";
import { startOf } from "../../base/texts/stored-values.js";
import type { LastAttempt } from "../../store/tasks/outlook.js";
import * as outlook from "../../store/tasks/outlook.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { taskLine } from "./views.js";

/** A failed task that is tried again, with the attempt that failed. */
export interface Retrying {
  readonly task: Task;
  readonly last: LastAttempt | undefined;
}

/** The failed tasks of a run or project that are tried again, the soonest first, with their last attempts. */
export function* retryingIn(where: { run: string } | { project: string }, limit: number): Tx<Retrying[]> {
  const tasks = yield* outlook.retryingTasks(where, limit);
  if (tasks.length === 0) return [];
  const attempts = yield* outlook.lastAttempts(tasks.map(({ id }) => id));
  const last = new Map(attempts.map((attempt) => [attempt.task, attempt]));
  return tasks.map((task) => ({ task, last: last.get(task.id) }));
}

/** A pending task with the keys of the dependencies that it still needs. */
export interface Pending {
  readonly task: Task;
  readonly needs: readonly string[];
}

const NEEDS_READ_MAX = 1_000;
const NEEDS_SHOWN_MAX = 10;

/** How far pending tasks are followed from those that are open. */
const STEPS_MAX = 5;

/** The pending tasks that come next after these, with what they still need. */
export function* pendingAfter(open: readonly Task[], limit: number): Tx<Pending[]> {
  const found = new Map<string, Task>();
  let from = open;
  for (let steps = 0; steps < STEPS_MAX && from.length > 0 && found.size < limit; steps++) {
    const next = yield* outlook.pendingDependents(
      from.map(({ id }) => id),
      limit,
    );
    from = next.filter(({ id }) => !found.has(id)).slice(0, limit - found.size);
    for (const task of from) found.set(task.id, task);
  }
  const tasks = [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const read = yield* outlook.openNeeds(
    tasks.map(({ id }) => id),
    NEEDS_READ_MAX,
  );
  const needs = grouped(
    read,
    ({ task }) => task,
    ({ key }) => key,
  );
  return tasks.map((task) => ({ task, needs: needs.get(task.id) ?? [] }));
}

const ERROR_CHARS_MAX = 300;

/** When it is tried again, after which error, and whose that was. */
export function retryingLine({ task, last }: Retrying) {
  return { ...taskLine(task), ...(last && { after: endOf(last), by: last.agent }) };
}

/** How an attempt ended, in a line: get_task has all of it. */
function endOf({ outcome, error }: LastAttempt): string {
  if (error === null) return outcome;
  const line = `${error.type}: ${error.message.split("\n")[0] ?? ""}`;
  return line.length <= ERROR_CHARS_MAX ? line : `${startOf(line, ERROR_CHARS_MAX)}…`;
}

/** A pending task with the dependencies it still needs: of many the first, and how many more. */
export function pendingLine({ task, needs }: Pending) {
  const shown = needs.slice(0, NEEDS_SHOWN_MAX);
  const open = task.depsTotal - task.depsSucceeded - task.depsFailed - task.depsSkipped;
  return { ...taskLine(task), needs: shown, ...(open > shown.length ? { needs_more: open - shown.length } : {}) };
}
