import { BatonError } from "../../base/errors.js";
import { shownBytes } from "../../base/texts/shown-text.js";
import { type Artifact, findArtifact, listArtifacts } from "../../store/artifacts/artifacts.js";
import { decidedReviews, findReview, type Review } from "../../store/reviews/reviews.js";
import { attemptsOf } from "../../store/tasks/attempts.js";
import { findTaskAndSpec, type TaskAndSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { readContent } from "../artifacts/content.js";

/** Everything that a reviewer needs to know. */
export interface ReviewBrief {
  readonly review: Review;
  /** Undefined where an artifact alone is judged, or the task has been removed. */
  readonly reviewed: TaskAndSpec | undefined;
  readonly result: unknown;
  /** Text of the diff, where it is small. */
  readonly diff: string | undefined;
  /** Artifacts of the reviewed attempt beside its diff, newest first; or the one that is judged. */
  readonly artifacts: readonly Artifact[];
  /** Reviews of earlier rounds, oldest first. */
  readonly earlier: readonly Review[];
}

export const REVIEWED_ARTIFACTS_MAX = 20;
const ARTIFACTS_READ_MAX = 200;
/** Rounds that a brief shows, the newest. */
const ROUNDS_SHOWN_MAX = 5;

/** Bytes up to which a brief has the diff itself, as they are shown. */
const DIFF_BYTES_SHOWN = 4_096;

/**
 * The diff of a review, which the artifacts read of its task mostly have, where it is small; undefined also where its content is gone,
 * which the call that reads it says.
 */
function* smallDiff({ artifact: id }: Review, read: readonly Artifact[]): Tx<string | undefined> {
  const artifact = id === null ? undefined : (read.find((one) => one.id === id) ?? (yield* findArtifact(id)));
  if (!artifact?.isText || artifact.bytes > DIFF_BYTES_SHOWN) return undefined;
  try {
    const text = (yield* readContent({}, artifact.hash)).toString("utf8");
    return shownBytes(text) <= DIFF_BYTES_SHOWN ? text : undefined;
  } catch (error) {
    if (error instanceof BatonError && error.code === "unavailable") return undefined;
    throw error;
  }
}

/** The brief of a reviewer's task; undefined where its review is gone. */
export function* reviewBrief(id: string): Tx<ReviewBrief | undefined> {
  const review = yield* findReview(id);
  if (!review) return undefined;
  const reviewed = review.task === null ? undefined : yield* findTaskAndSpec(review.task);
  if (!reviewed) {
    const judged = review.task === null && review.artifact !== null ? yield* findArtifact(review.artifact) : undefined;
    return {
      review,
      reviewed: undefined,
      result: null,
      diff: undefined,
      artifacts: judged ? [judged] : [],
      earlier: [],
    };
  }
  const { task } = reviewed;
  const attempts = yield* attemptsOf(task.id);
  const artifacts = yield* listArtifacts({ task: task.id, limit: ARTIFACTS_READ_MAX });
  return {
    review,
    reviewed,
    result: attempts.findLast(({ outcome }) => outcome === "succeeded")?.result ?? null,
    diff: yield* smallDiff(review, artifacts),
    // In a fork they are of no attempt.
    artifacts: artifacts.filter(
      ({ id: own, attempt }) => own !== review.artifact && (attempt === null || attempt === review.attempt),
    ),
    earlier: (yield* decidedReviews(task.id)).filter((one) => one.id !== id).slice(-ROUNDS_SHOWN_MAX),
  };
}

/** The reviews that the next holder of a task is to know: of a task that was never submitted there is none. */
export function* reviewsForHolder({ task, spec }: TaskAndSpec): Tx<readonly Review[]> {
  if (spec.review === undefined || task.attempt <= 1) return [];
  return (yield* decidedReviews(task.id)).slice(-ROUNDS_SHOWN_MAX);
}
