import { TASKS, type TaskAndSpec, taskAndSpecOf } from "../tasks/tasks.js";
import { many, idOf } from "../rows.js";
import type { Tx } from "../tx.js";

/** Prefix of the keys of a run's compensations. */
const PREFIX = "compensate(";

/** The key of the task that undoes another: no step can be called so. */
export function compensationKey(key: string): string {
  return `${PREFIX}${key})`;
}

export function isCompensation({ key }: { readonly key: string }): boolean {
  return key.startsWith(PREFIX);
}

/** The tasks that undo something and could not be done, or stand behind one. */
export function* notUndone(run: string): Tx<string[]> {
  return yield* many(idOf, [
    `SELECT id FROM tasks WHERE run = $1 AND (status = 'dead_letter' OR status = 'blocked') AND key LIKE '${PREFIX}%' ORDER BY id`,
    [run],
  ]);
}

/** The tasks of a run that succeeded and say what undoes them, in the order in which they were made. */
export function* compensable(run: string): Tx<TaskAndSpec[]> {
  const rows = yield [
    `SELECT ${TASKS.columnsOf("t")}, s.spec FROM tasks t JOIN task_specs s ON s.task = t.id
     WHERE t.run = $1 AND t.status = 'succeeded' AND s.spec LIKE '%"compensate":%' ORDER BY t.id`,
    [run],
  ];
  return rows.map(taskAndSpecOf).filter(({ spec }) => spec.compensate !== undefined && !isGathering(spec));
}

/** Whether the step is a list: each of its elements' tasks is compensated separately. */
function isGathering({ dynamic }: TaskAndSpec["spec"]): boolean {
  return dynamic?.elements !== undefined;
}
