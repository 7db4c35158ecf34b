import type { ResultOf } from "../../tools/registry.js";
import type {
  AttemptAnswer,
  BlockedAnswer,
  BudgetAnswer,
  EventAnswer,
  QuestionAnswer,
  RunAnswer,
  TaskAnswer,
} from "../typed-calls.js";

/** A run as it is shown. */
export interface RunState {
  readonly run: RunAnswer;
  readonly budget?: BudgetAnswer | undefined;
  /** Estimated time left at the pace so far; null while that is unknown. */
  readonly etaMs: number | null;
  readonly running: readonly TaskAnswer[];
  readonly ready: readonly TaskAnswer[];
  readonly waiting: ResultOf<"get_run">["waiting"];
  /** Open questions of the run and its child runs. */
  readonly questions: readonly QuestionAnswer[];
  readonly failed: readonly BlockedAnswer[];
  /** All of them, or the first 200, where a table is wanted. */
  readonly tasks: readonly TaskAnswer[];
  /** When the running tasks were claimed, by id; milliseconds since the epoch. */
  readonly claimedAt: ReadonlyMap<string, number>;
  /** How long the last attempt at a task took that has ended, by id. */
  readonly lastedMs: ReadonlyMap<string, number>;
  /** The last few events, oldest first. */
  readonly recent: readonly EventAnswer[];
  /** Reasons known at the start why the run cannot go on. */
  readonly warnings: readonly string[];
  /** When this process began to follow it; milliseconds since the epoch. */
  readonly followedAt: number;
}

/** Why a task failed for good. */
export interface FailedTaskView {
  readonly task: TaskAnswer;
  readonly attempts: readonly AttemptAnswer[];
}
