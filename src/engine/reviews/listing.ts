import { type OpenReview, openReviews, type ReviewFilter } from "../../store/reviews/reviews.js";
import { findTask } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { reviewView } from "./verdict.js";

export type OpenReviewLine = ReturnType<typeof lineOf>;

/** Open reviews, the oldest first: what is reviewed, by whom it may be, and who holds it. */
export function* listOpenReviews(filter: ReviewFilter): Tx<OpenReviewLine[]> {
  const lines: OpenReviewLine[] = [];
  for (const open of yield* openReviews(filter)) {
    const reviewed = open.review.task === null ? undefined : yield* findTask(open.review.task);
    lines.push(lineOf(open, reviewed?.key));
  }
  return lines;
}

function lineOf({ review, task }: OpenReview, key: string | undefined) {
  const { project, run, task: reviewed, author } = review;
  return {
    ...reviewView(review),
    project,
    run,
    ...(reviewed === null ? {} : { task: reviewed }),
    ...(key === undefined ? {} : { key }),
    ...(author === null ? {} : { author }),
    status: task.status,
    ...(task.agent === null ? {} : { held_by: task.agent }),
  };
}
