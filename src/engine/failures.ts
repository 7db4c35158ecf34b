import { attemptsOf } from "../store/attempts.js";
import type { Task } from "../store/tasks.js";
import type { Tx } from "../store/tx.js";
import { attemptView, taskLine, type TaskLine } from "./views.js";

export interface TaskFailures {
  readonly task: TaskLine;
  readonly attempts: ReturnType<typeof attemptView>[];
}

/** What went wrong with each of these tasks: every attempt with its error. */
export function* failuresOf(tasks: readonly Task[]): Tx<TaskFailures[]> {
  const failures: TaskFailures[] = [];
  for (const task of tasks) {
    failures.push({ task: taskLine(task), attempts: (yield* attemptsOf(task.id)).map(attemptView) });
  }
  return failures;
}
