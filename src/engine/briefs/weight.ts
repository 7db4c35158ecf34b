import type { Task } from "../../store/tasks/tasks.js";

/**
 * How much of a run hangs on a task: what others wait for, or what people decide, is told before what stands alone, and before one
 * of many alike. Added to the rank of what is told of it.
 */
export function weightOf(task: Task | undefined): number {
  if (task === undefined) return 0;
  const graph = (task.dependents > 0 ? 8 : 0) + (task.depsTotal > 0 ? 5 : 0);
  const isElement = task.key.endsWith("]");
  return isElement ? 1 : graph + (task.kind === "human" || task.kind === "gate" ? 4 : 0);
}

/** Lowers the rank of what lies further back among its like. */
export function lowered(fromNewest: number): number {
  return Math.min(fromNewest, 30) / 4;
}

/** Tasks that open ones build on count for more: they are asked for next. */
export function weightIfNeeded(needed: ReadonlySet<string>, task: string | null): number {
  return task !== null && needed.has(task) ? 6 : 0;
}
