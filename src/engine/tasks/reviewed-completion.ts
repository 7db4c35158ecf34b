import { findReview } from "../../store/reviews/reviews.js";
import { findTask, type Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { type EngineContext, SERVER } from "../context.js";
import type { LockedTask } from "../lifecycle/locked-task.js";
import type { RunChange } from "../lifecycle/run-change.js";
import { takesWork } from "../lifecycle/run-state.js";
import { settleVerdict } from "./cancellation.js";
import { DiffNeeded, type MadeDiff, storeDiff } from "../reviews/diffs.js";
import { type DiffOfTask, openReview } from "../reviews/opening.js";
import type { GivenVerdict } from "../reviews/verdict.js";
import { decide, type DecidedReview, requireReasons, requireReview, type ReviewUnderWay } from "../reviews/verdicts.js";

// The part of a completion that is about reviews: of a reviewed task, whose review is opened, and of a reviewer's, which decides.

export interface GivenDiff {
  /** The diff of a task that is to be reviewed, where one was made before the transaction. */
  readonly diff?: MadeDiff | undefined;
  /** Whether the caller makes one where it is needed. */
  readonly makesDiffs?: boolean | undefined;
}

/** The review that a result decides; undefined for a task that is no reviewer's. Errors: `invalid_transition`, `invalid_input`. */
export function* reviewDecided({ task, spec }: LockedTask, result: unknown): Tx<Verdict | undefined> {
  if (spec.review_of === undefined) return undefined;
  const review = yield* requireReview(task);
  // Its output schema has been checked.
  const given = result as GivenVerdict;
  requireReasons(task, given);
  return { ...review, given };
}

/** The verdict of a reviewer's task that has ended, for the same call again; undefined for any other task. */
export function* decidedBefore({ task, spec }: LockedTask): Tx<DecidedReview | undefined> {
  const review = spec.review_of === undefined ? undefined : yield* findReview(task.id);
  if (!review) return undefined;
  const reviewed = review.task === null ? undefined : yield* findTask(review.task);
  return { review, task: reviewed, settled: [], ready: [] };
}

interface Verdict extends ReviewUnderWay {
  readonly given: GivenVerdict;
}

/** Whether a task is to be reviewed when it is completed. In a run that comes to its end nothing new begins. */
export function isToBeReviewed({ spec, run }: LockedTask): boolean {
  return spec.review !== undefined && takesWork(run);
}

/** Stores the diff of a task that is to be reviewed, as an artifact of its open attempt. Errors: `DiffNeeded`. */
export function* diffForReview(ctx: EngineContext, held: LockedTask, given: GivenDiff): Tx<DiffOfTask | undefined> {
  if (!isToBeReviewed(held)) return undefined;
  if (given.makesDiffs === true && !given.diff) throw new DiffNeeded();
  return given.diff && (yield* storeDiff(ctx, held.task, given.diff));
}

export interface Completed {
  /** As it was held. */
  readonly held: LockedTask;
  /** As it is now. */
  readonly task: Task;
  readonly verdict: Verdict | undefined;
  readonly diff: DiffOfTask | undefined;
}

/** Opens the review of a completed task, or lets its dependents go on and carries out the verdict that it is. Returns what became ready. */
export function* follow(
  change: RunChange,
  { held, task, verdict, diff }: Completed,
): Tx<{ readonly ready: readonly Task[]; readonly decided?: DecidedReview }> {
  const author = held.task.agent;
  const { spec } = held;
  if (spec.review !== undefined && isToBeReviewed(held)) {
    const opening = { policy: spec.review, author, requestedBy: author ?? SERVER, binding: true, diff };
    const review = yield* openReview(change, { task, spec }, opening);
    return { ready: review.status === "ready" ? [review] : [] };
  }
  const decided = verdict && (yield* decide(change, { ...verdict, reviewer: author ?? "" }));
  const settled = [{ task, as: "succeeded" as const }, ...(decided?.settled ?? [])];
  const ready = yield* settleVerdict(change, verdict?.task, settled);
  return decided ? { ready: [...decided.ready, ...ready], decided } : { ready };
}
