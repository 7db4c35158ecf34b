import { BatonError } from "../../base/errors.js";
import { openReviewTasks } from "../../store/reviews/reviews.js";
import { saveSpec } from "../../store/tasks/server-steps.js";
import { lastAgents } from "../../store/tasks/attempts.js";
import type { ReviewPolicy, Task, TaskSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { actingAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { REVIEW_ROUNDS } from "../definitions/schema.js";
import { type LockedTask, lockTask } from "../lifecycle/locked-task.js";
import { RunChange } from "../lifecycle/run-change.js";
import { finishedRun, takesWork } from "../lifecycle/run-state.js";
import { ownProject } from "../projects/projects.js";
import { rolesOfTier } from "../supervision/tiers.js";
import { openReview } from "./opening.js";

export interface ReviewRequest {
  readonly task: string;
  readonly reviewer_role?: string | undefined;
  readonly criteria?: readonly string[] | undefined;
  readonly max_rounds?: number | undefined;
  readonly agent?: string | undefined;
}

/** A request as it was taken. */
export interface ReviewRequested {
  readonly task: Task;
  readonly policy: ReviewPolicy;
  /** The task of the reviewer; undefined where it is made when the task is completed. */
  readonly review: Task | undefined;
}

/**
 * Asks for a review. A task that has not been completed is reviewed when it is; one that waits in review without an open one, at once. Of
 * a task that has succeeded the verdict is recorded and its state stays: what hangs on it may have begun. Errors: `not_found`;
 * `conflict` where a review is open, or asked for already; `invalid_transition`.
 */
export function* requestReview(ctx: EngineContext, request: ReviewRequest): Tx<ReviewRequested> {
  const { name } = yield* actingAgent(ctx, request.agent);
  const locked = yield* lockTask(request.task);
  const { task, spec } = locked;
  requireReviewable(task, spec);
  const { status } = task;
  const policy = yield* policyOf(task, request);
  if (status === "pending" || status === "ready" || status === "running" || status === "blocked") {
    if (spec.review !== undefined) throw reviewedAlready(task, spec.review);
    yield* markForReview(ctx, locked, { policy, by: name });
    return { task, policy, review: undefined };
  }
  const [open] = yield* openReviewTasks(task.id);
  if (open) throw underReview(task, open);
  if (status !== "in_review" && status !== "succeeded") throw notReviewable(task, `it is ${status}`);
  if (!takesWork(locked.run)) throw finishedRun(locked.run);
  const change = new RunChange(ctx, locked.run, locked.counters);
  const [last] = yield* lastAgents([task.id]);
  const review = yield* openReview(change, locked, {
    policy: spec.review === undefined || request.reviewer_role !== undefined ? policy : spec.review,
    author: last?.agent ?? null,
    requestedBy: name,
    binding: status === "in_review",
  });
  yield* change.flush();
  return { task, policy, review };
}

/** The role of a lead, where none is named. */
function* policyOf(task: Task, { reviewer_role, criteria, max_rounds }: ReviewRequest): Tx<ReviewPolicy> {
  const by = reviewer_role ?? rolesOfTier((yield* ownProject(task)).config, "lead")[0] ?? "code_reviewer";
  return { by, max_rounds: max_rounds ?? REVIEW_ROUNDS, ...(criteria !== undefined && { criteria }) };
}

function* markForReview(
  ctx: EngineContext,
  { task, spec, run }: LockedTask,
  { policy, by }: { policy: ReviewPolicy; by: string },
): Tx<void> {
  const { dynamic } = spec;
  const later = dynamic && { dynamic: { ...dynamic, step: { ...dynamic.step, review: policy } } };
  yield* saveSpec(task.id, { ...spec, review: policy, ...later });
  const change = new RunChange(ctx, run);
  change.recordTask({ ...task, agent: by }, "review.planned", { by: policy.by });
  yield* change.writeHistory();
}

function requireReviewable(task: Task, { review_of }: TaskSpec): void {
  if (review_of !== undefined) throw notReviewable(task, `it is itself the review of ${review_of}`);
  if (task.kind !== "agent") throw notReviewable(task, `it is a ${task.kind} step`);
}

function notReviewable({ id, key, status }: Task, why: string): BatonError {
  return new BatonError("invalid_transition", `Task ${key} (${id}) cannot be reviewed: ${why}. Nothing was changed.`, {
    details: { task: id, status },
    next: [{ tool: "get_task", arguments: { task: id } }],
  });
}

function reviewedAlready({ id, key }: Task, { by }: ReviewPolicy): BatonError {
  const message = `Task ${key} (${id}) is reviewed by ${by} when it is completed. Nothing was changed: complete it.`;
  return new BatonError("conflict", message, {
    details: { task: id, by },
    next: [{ tool: "get_task", arguments: { task: id } }],
  });
}

function underReview({ id, key, run }: Task, review: Task): BatonError {
  const holder = review.agent === null ? `it is ${review.status}` : `${review.agent} holds it`;
  const message = `Task ${key} (${id}) is under review already: ${review.key} (${review.id}), ${holder}. Nothing was changed.`;
  return new BatonError("conflict", message, {
    details: { task: id, review: review.id, status: review.status, held_by: review.agent },
    next: [{ tool: "wait_for", arguments: { run, kinds: ["review"] } }],
  });
}
