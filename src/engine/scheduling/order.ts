import { NO_DEADLINE } from "../../store/tasks/tasks.js";

/**
 * The order in which ready tasks are served, as a stored key that an index can serve: ageing bucket less priority, then latest
 * start, then upward rank (largest first), then age (ids sort by creation).
 */
export const PRIORITIES = { critical: 100, high: 75, normal: 50, low: 25 } as const;
export type Priority = keyof typeof PRIORITIES;

export function priorityName(value: number): Priority {
  if (value >= PRIORITIES.critical) return "critical";
  if (value >= PRIORITIES.high) return "high";
  return value >= PRIORITIES.normal ? "normal" : "low";
}

// A priority level outweighs one ageing interval of waiting, so nothing starves.
const PRIORITY_STEP = 25;

export function ageingBucket(readyAt: number, priority: number, ageingMs: number): number {
  return Math.floor(readyAt / ageingMs) - Math.floor(priority / PRIORITY_STEP);
}

/** When a task must start at the latest for its longest chain to end by the deadline. */
export function latestStart(deadline: number | null, upwardRankMs: number): number {
  return deadline === null ? NO_DEADLINE : deadline - upwardRankMs;
}

/** Expected duration of a task without an estimate. */
export const DEFAULT_ESTIMATE_MS = 300_000;
