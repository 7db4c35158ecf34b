import type { ResultOf } from "../../tools/registry.js";
import { duration } from "../terminal/durations.js";
import { rankOf } from "../terminal/task-marks.js";
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

type Listed = Pick<RunState, "running" | "ready" | "waiting" | "failed" | "tasks">;

/** Every task that is known of a run, each once, those first that need a person's eye: of a large run the others are only its first. */
export function tasksByUrgency({ failed, running, waiting, ready, tasks }: Listed): readonly TaskAnswer[] {
  const known = [...failed.map(({ task }) => task), ...running, ...waiting, ...ready, ...tasks];
  const byId = new Map(known.map((task) => [task.id, task]));
  return [...byId.values()].sort((one, other) => rankOf(one.status) - rankOf(other.status));
}

type Retry = Pick<NonNullable<ResultOf<"get_run">["retrying"]>[number], "retry_at" | "after">;

/** When a failed task is tried again, and after which error. */
export function retryText({ retry_at: at, after }: Retry, now: number): string {
  const leftMs = at === undefined ? 0 : Date.parse(at) - now;
  const when = leftMs <= 0 ? "now" : `in ${duration(leftMs)}`;
  return `retrying ${when}${after === undefined ? "" : ` after ${after}`}`;
}

/** Why a task failed permanently. */
export interface FailedTaskView {
  readonly task: TaskAnswer;
  readonly attempts: readonly AttemptAnswer[];
}
