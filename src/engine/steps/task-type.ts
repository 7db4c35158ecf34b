import type { Step } from "../definitions/definition.js";
import type { Task, TaskSpec } from "../../store/tasks/tasks.js";

/** Keys that tasks without a key of their own are given. */
const GIVEN_KEY = /^task-[0-9a-z]{16}$/;

/** The kind of work of a task, which the learner goes by: the type of its step, else its role, else the key of its step. */
export function taskType({ role, key }: Pick<Task, "role" | "key">, { type }: Pick<TaskSpec, "type">): string {
  return type ?? role ?? (GIVEN_KEY.test(key) ? "task" : stepKey(key));
}

/** The same of a step. */
export function stepType(step: Pick<Step, "key" | "role" | "type">): string {
  return taskType({ key: step.key, role: step.role ?? null }, step);
}

/** The key of a task's step, the same for all elements of a list. */
export function stepKey(key: string): string {
  return key.replace(/\[.*$/, "");
}
