import type { TaskStatus } from "../../base/statuses.js";
import { addToCounters, type Counters, moveCounters } from "../../store/runs/counters.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";

/** Finished work. A failed task is not among it, since it may be tried again. */
export const DONE: ReadonlySet<TaskStatus> = new Set(["succeeded", "skipped", "cancelled"]);
/** Work that is still to be done or under way. */
export const OPEN_STATUSES: readonly TaskStatus[] = ["pending", "ready", "running", "waiting", "in_review"];

/** How many tasks went from one state to another, and how much work they are. */
export interface MovedMany {
  readonly from: TaskStatus;
  readonly to: TaskStatus;
  readonly count: number;
  readonly workMs: number;
}

/** How a change moves the counters of its run. */
export class CountChanges {
  readonly #by: Partial<Record<TaskStatus, number>> = {};
  #workMs = 0;
  #doneMs = 0;
  #alone: boolean | undefined;

  add({ status, estimateMs }: Task): void {
    this.#count(status, 1);
    this.#workMs += estimateMs;
  }

  remove({ status, estimateMs }: Task): void {
    this.#count(status, -1);
    this.#workMs -= estimateMs;
  }

  reestimate(before: Task, after: Task): void {
    this.#workMs += after.estimateMs - before.estimateMs;
  }

  move({ status, estimateMs }: Task, to: TaskStatus): void {
    this.#count(status, -1);
    this.#count(to, 1);
    if (DONE.has(status)) this.#doneMs -= estimateMs;
    if (DONE.has(to)) this.#doneMs += estimateMs;
  }

  moveMany({ from, to, count, workMs }: MovedMany): void {
    this.#count(from, -count);
    this.#count(to, count);
    if (DONE.has(to)) this.#doneMs += workMs;
  }

  /** Notes that a task was claimed, and whether it runs alone. */
  claim(task: Task, alone: boolean): void {
    this.move(task, "running");
    this.#alone = alone;
  }

  /** Whether a task was claimed. */
  get claims(): boolean {
    return this.#alone !== undefined;
  }

  /** By how many the tasks in some of the states have become more. */
  more(...statuses: readonly TaskStatus[]): number {
    return statuses.reduce((sum, status) => sum + (this.#by[status] ?? 0), 0);
  }

  /** Writes the changes and returns the counters as they are then; `before` were read since the run was locked. */
  *write(
    change: { readonly run: string; readonly now: number; readonly cost: number },
    before?: Counters,
  ): Tx<Counters> {
    const { run, now, cost } = change;
    const delta = { run, now, cost, by: this.#by, workMs: this.#workMs, doneMs: this.#doneMs, alone: this.#alone };
    return before ? yield* moveCounters(before, delta) : yield* addToCounters(delta);
  }

  #count(status: TaskStatus, by: number): void {
    this.#by[status] = (this.#by[status] ?? 0) + by;
  }
}

/** Counts by state, without the rest of the row. */
export function countsOf(counters: Counters): Record<TaskStatus | "total", number> {
  const { workMs: _, doneMs: __, updatedAt: ___, milestones: ____, cost: _____, alone: ______, ...counts } = counters;
  return counts;
}

/** Percent done, one decimal, weighted by how long each task is expected to take. */
export function progressOf(counters: Counters): number {
  if (counters.total === 0) return 0;
  return Math.round((counters.doneMs / Math.max(1, counters.workMs)) * 1000) / 10;
}
