import type { Task } from "../../store/tasks/tasks.js";
import type { EngineContext } from "../context.js";
import { ageingBucket, PRIORITIES, type Priority } from "./order.js";

/** A task whose priority is to be another. */
export interface Reprioritized {
  readonly task: Task;
  readonly priority: Priority;
}

const LEVELS = ["low", "normal", "high", "critical"] as const satisfies readonly Priority[];

/**
 * Returns the least changes of priority that let a task be claimed before others: it is raised no higher than is needed, and where the
 * highest is not enough the others are lowered. None where it stands before them already.
 */
export function levelsAhead(ctx: EngineContext, first: Task, others: readonly Task[]): Reprioritized[] {
  const raised = LEVELS.filter((level) => PRIORITIES[level] >= first.priority);
  const enough = raised.find((level) => others.every((other) => isAhead(ctx, at(first, level), other)));
  const level = enough ?? "critical";
  const own = PRIORITIES[level] === first.priority ? [] : [{ task: first, priority: level }];
  return enough === undefined ? [...own, ...lowered(ctx, at(first, level), others)] : own;
}

function lowered(ctx: EngineContext, first: Task, others: readonly Task[]): Reprioritized[] {
  return others.flatMap((task) => {
    if (isAhead(ctx, first, task)) return [];
    const lower = LEVELS.filter((level) => PRIORITIES[level] < task.priority).toReversed();
    const level = lower.find((one) => isAhead(ctx, first, at(task, one))) ?? lower.at(-1);
    return level === undefined ? [] : [{ task, priority: level }];
  });
}

function at(task: Task, level: Priority): Task {
  return { ...task, priority: PRIORITIES[level] };
}

/** Whether the first is claimed before the other once both are ready: what is not ready yet waits from now on. */
export function isAhead({ now, settings }: EngineContext, first: Task, other: Task): boolean {
  const placeOf = (task: Task) => ageingBucket(task.readyAt ?? now, task.priority, settings.ageing_ms);
  const apart =
    placeOf(first) - placeOf(other) || first.latestStart - other.latestStart || first.rankOrder - other.rankOrder;
  return apart === 0 ? first.id < other.id : apart < 0;
}
