import { z } from "zod";
import { callOperation } from "../base/errors.js";
import { startThatFits } from "../base/texts/shown-text.js";
import { startOf } from "../base/texts/stored-values.js";
import type { Brief } from "../engine/claims/brief.js";
import { REVIEWED_ARTIFACTS_MAX, type ReviewBrief } from "../engine/reviews/brief.js";
import { reviewView } from "../engine/reviews/verdict.js";
import { taskLine } from "../engine/tasks/views.js";
import * as shapes from "../dispatch/shapes.js";

// The part of a brief that is about reviews: the work to review, and what earlier reviewers said.

export const FINDING_EXAMPLE = { severity: "major", where: "FILE:LINE", what: "…", suggestion: "…" } as const;

const PROMPT_BYTES_SHOWN = 8_000;
const RESULT_CHARS_SHOWN = 8_000;

export const reviewFields = {
  review: z
    .object({
      of: shapes.taskLine.optional(),
      round: z.int(),
      tier: z.string(),
      /** Prompt of the reviewed task, by the author in `from` of its line. */
      prompt: z.string().optional(),
      criteria: z.array(z.string()).readonly(),
      result: z.unknown().optional(),
      whole: shapes.call.optional(),
      agent: z.string().optional(),
      /** With its text where that is small. */
      diff: z
        .object({ artifact: z.string(), commit: z.string().optional(), text: z.string().optional(), read: shapes.call })
        .optional(),
      no_diff: z.string().optional(),
      artifacts: z.array(z.object({ id: z.string(), name: z.string(), version: z.int(), type: z.string() })),
      read: shapes.call.optional(),
      earlier: z.array(shapes.review),
    })
    .optional(),
  /** Verdicts on earlier attempts, oldest first. */
  reviews: z.array(shapes.review).optional(),
} as const;

export function reviewFieldsOf({ review, reviews }: Brief) {
  return {
    ...(review && { review: reviewBriefView(review) }),
    ...(reviews.length === 0 ? {} : { reviews: reviews.map(reviewView) }),
  };
}

function reviewBriefView({ review, reviewed, result, diff, artifacts, earlier }: ReviewBrief) {
  const { round, tier, criteria, author, artifact, commit, noDiff } = review;
  const [first] = artifacts;
  return {
    ...(reviewed && workView(reviewed, result)),
    round,
    tier,
    criteria: [...criteria],
    ...(author === null ? {} : { agent: author }),
    ...(artifact === null || review.task === null
      ? {}
      : {
          diff: {
            artifact,
            ...(commit !== null && { commit }),
            ...(diff !== undefined && { text: diff }),
            read: callOperation("get_artifact", { artifact }),
          },
        }),
    ...(noDiff === null ? {} : { no_diff: noDiff }),
    artifacts: artifacts
      .slice(0, REVIEWED_ARTIFACTS_MAX)
      .map(({ id, name, version, type }) => ({ id, name, version, type })),
    ...(first === undefined ? {} : { read: callOperation("get_artifact", { artifact: first.id }) }),
    earlier: earlier.map(reviewView),
  };
}

function workView({ task, spec }: NonNullable<ReviewBrief["reviewed"]>, result: unknown) {
  const { prompt = "" } = spec;
  const text = JSON.stringify(result);
  const shown = startThatFits(prompt, PROMPT_BYTES_SHOWN);
  const isWhole = shown.length === prompt.length && text.length <= RESULT_CHARS_SHOWN;
  return {
    of: taskLine(task),
    prompt: shown,
    ...(result === null
      ? {}
      : { result: text.length <= RESULT_CHARS_SHOWN ? result : startOf(text, RESULT_CHARS_SHOWN) }),
    ...(isWhole ? {} : { whole: { tool: "get_task", arguments: { task: task.id, include: ["result"], offset: 0 } } }),
  };
}
