import { lastVerdicts } from "../../store/reviews/reviews.js";
import { tasksNamed } from "../../store/tasks/workers.js";
import type { Tx } from "../../store/tx.js";

export interface ReviewCheck {
  readonly check: string;
  readonly passed: boolean;
}

/**
 * Whether the newest verdict on each of these steps is an approval; of a for_each step, on each of its elements. Only tasks of agents are
 * reviewed: others are passed over, but a gate that finds none at all does not pass.
 */
export function* reviewChecks(run: string, keys: readonly string[]): Tx<ReviewCheck[]> {
  const checks: ReviewCheck[] = [];
  for (const key of keys) {
    const tasks = yield* tasksNamed(run, key);
    if (tasks.length === 0) checks.push({ check: `${key} is approved: it has been removed`, passed: false });
    const agentTasks = (yield* lastVerdicts(tasks)).filter(({ key: own }) => tasks.length === 1 || own !== key);
    for (const { key: own, verdict } of agentTasks)
      checks.push({ check: `${own} is approved: ${verdict ?? "no verdict"}`, passed: verdict === "approve" });
  }
  return checks.length === 0 ? [{ check: "a reviewed step comes before it", passed: false }] : checks;
}
