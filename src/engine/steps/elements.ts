import { startOf } from "../../base/texts/stored-values.js";
import { outcomesOfDependencies, sizeOfOutcomes } from "../../store/tasks/server-steps.js";
import { findTaskAndSpec } from "../../store/tasks/tasks.js";
import type { DependencyResult } from "../../store/tasks/attempts.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

/** The results of the tasks that a for_each step was made into, in their order; their number and size beyond a limit in bytes. */
export function* elementResults(task: string, bytesMax: number): Tx<unknown> {
  const { tasks, bytes } = yield* sizeOfOutcomes(task);
  if (bytes > bytesMax) return { elements: tasks, too_large_bytes: bytes };
  return (yield* outcomesOfDependencies(task)).map(({ result }) => result);
}

/** Returns the results of the elements of a step that ended without a result of its own because some of its elements failed; undefined for any other task. */
export function* resultsOfElements(task: string, bytesMax: number): Tx<unknown> {
  const elements = (yield* findTaskAndSpec(task))?.spec.dynamic?.elements;
  return elements === undefined ? undefined : yield* elementResults(task, bytesMax);
}

/** Whether a task in this state may have elements with results, though it has none itself. */
export function mayHaveResultsOfElements(status: string): boolean {
  return status === "blocked" || status === "cancelled";
}

/** Adds what the elements of for_each steps came to that ended without a result of their own: a join with all_done reads it. */
export function* withElementResults(
  ctx: EngineContext,
  dependencies: readonly DependencyResult[],
  chars: number,
): Tx<readonly DependencyResult[]> {
  const whole: DependencyResult[] = [];
  for (const one of dependencies) {
    const missing = one.result === null && mayHaveResultsOfElements(one.status);
    const results = missing ? yield* resultsOfElements(one.task, ctx.settings.payload_bytes_max) : undefined;
    whole.push(results === undefined ? one : { ...one, result: startOf(JSON.stringify(results), chars) });
  }
  return whole;
}
