import { z } from "zod";
import { SEVERITIES, VERDICTS, REVIEWING_ROLES } from "../base/statuses.js";
import { changeView } from "../engine/runs/views.js";
import { CRITIQUE_CHARS_MAX, FINDING_CHARS_MAX, FINDINGS_MAX, reviewView } from "../engine/reviews/verdict.js";
import { requestReview } from "../engine/reviews/requests.js";
import { submitReview } from "../engine/tasks/reviewing.js";
import { taskLine } from "../engine/tasks/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";
import { requireUnchanged } from "./review-diffs.js";

const short = z.string().min(1).max(FINDING_CHARS_MAX);
const givenFinding = z.strictObject({
  severity: z.enum(SEVERITIES),
  what: short,
  where: short.optional().describe("FILE:LINE, or in words."),
  suggestion: short.optional(),
});
const submit = defineOperation({
  name: "submit_review",
  title: "Submit a review",
  description:
    "Decides a review that you have claimed. approve: the work counts and its dependents go on; revise: back to its author with your critique; reject: it fails. Returns the reviewed task and the review.",
  area: "supervision",
  effect: "write",
  permission: REVIEWING_ROLES,
  words: ["verdict", "findings", "critique", "revise"],
  example: {
    task: "task_…",
    token: 1,
    verdict: "revise",
    critique: "…",
    findings: [{ severity: "major", where: "src/api.ts:12", what: "…", suggestion: "…" }],
  },
  input: z.object({
    task: params.task.describe("Review that you hold, from claim_task, or the task that it reviews."),
    token: params.token.optional(),
    verdict: z.enum(VERDICTS),
    critique: z.string().min(1).max(CRITIQUE_CHARS_MAX).optional(),
    findings: z.array(givenFinding).max(FINDINGS_MAX).optional(),
    ...params.acting,
  }),
  output: z.object({ ...shapes.change, review: shapes.review }),
  needs: ["contents", "files"],
  async perform(host, input) {
    const { request_id: _, ...submission } = input;
    const isAgain = (await host.earlier("run")) !== undefined;
    if (input.verdict === "approve" && !isAgain) await requireUnchanged(host, input);
    return host.transact(function* (ctx) {
      const { decided, ...completed } = yield* submitReview(ctx, submission);
      if (!decided) throw new Error(`task ${completed.task.id} is no review`);
      const task = decided.task ?? completed.task;
      return { ...changeView(completed), task: taskLine(task), review: reviewView(decided.review) };
    }, "run");
  },
});

const REVIEW_CRITERIA_MAX = 50;

const request = defineOperation({
  name: "request_review",
  title: "Request a review",
  description:
    "Asks another agent to review a task. One that is not completed yet is reviewed when it is, and counts only once approved. Of one that has succeeded the verdict is recorded, and its state stays. Returns the task, and the review where one is open now.",
  area: "supervision",
  effect: "write",
  words: ["ask for a review", "review my work", "second pair of eyes", "code review"],
  example: { task: "task_…", reviewer_role: "code_reviewer" },
  input: z.object({
    task: params.task,
    reviewer_role: z.string().min(1).max(100).optional().describe("Default: the first role of leads. human: a person."),
    criteria: z.array(z.string().min(1).max(2_000)).max(REVIEW_CRITERIA_MAX).optional(),
    max_rounds: z.int().min(1).max(20).optional().describe("Revisions before it climbs a tier. Default: 3."),
    ...params.acting,
  }),
  output: z.object({
    task: shapes.taskLine,
    by: z.string(),
    max_rounds: z.int(),
    /** The task of the reviewer. */
    review: shapes.taskLine.optional(),
  }),
  *run(ctx, input) {
    const { task, policy, review } = yield* requestReview(ctx, input);
    return {
      task: taskLine(task),
      by: policy.by,
      max_rounds: policy.max_rounds,
      ...(review && { review: taskLine(review) }),
    };
  },
});

export const reviewOperations = [request, submit] as const;
