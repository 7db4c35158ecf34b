import type { AttemptAnswer, BlockedAnswer, BudgetAnswer, EventAnswer, RunAnswer, TaskAnswer } from "../typed-calls.js";

/** A run as it is shown. */
export interface RunState {
  readonly run: RunAnswer;
  readonly budget?: BudgetAnswer | undefined;
  /** Estimated time left at the pace so far; null while that is unknown. */
  readonly etaMs: number | null;
  readonly running: readonly TaskAnswer[];
  readonly ready: readonly TaskAnswer[];
  readonly waiting: readonly TaskAnswer[];
  readonly failed: readonly BlockedAnswer[];
  /** All of them, or the first 200, where a table is wanted. */
  readonly tasks: readonly TaskAnswer[];
  /** When the running tasks were claimed, by id; milliseconds since the epoch. */
  readonly claimedAt: ReadonlyMap<string, number>;
  /** The last few events, oldest first. */
  readonly recent: readonly EventAnswer[];
  /** Reasons known at the start why the run cannot go on. */
  readonly warnings: readonly string[];
}

/** Why a task failed for good. */
export interface FailedTaskView {
  readonly task: TaskAnswer;
  readonly attempts: readonly AttemptAnswer[];
}
