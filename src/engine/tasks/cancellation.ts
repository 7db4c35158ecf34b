import { dependenciesOf, endTasks, orderCancel } from "../../store/tasks/transitions.js";
import { findReview, lostReviewTasks, openReviewTasks } from "../../store/reviews/reviews.js";
import { findTask, findTaskAndSpec, type Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { BatonError, callOperation } from "../../base/errors.js";
import type { EngineContext } from "../context.js";
import { endAttempt } from "../lifecycle/attempts.js";
import type { Usage } from "../usage/usage.js";
import { settleDependents, settlementOf } from "../lifecycle/dependents.js";
import type { OtherCaller } from "../agents/holder.js";
import { type LockedTask, lockTask } from "../lifecycle/locked-task.js";
import { type Settled, taskMachine } from "../lifecycle/machines.js";
import { allBlockedBehind, judgeAfresh, reopen } from "../lifecycle/reopening.js";
import { canMove, transition } from "../machine.js";
import { RunChange, type TaskChanged } from "../lifecycle/run-change.js";

/**
 * Cancels a task: an unclaimed one at once, a claimed one by asking its holder first. A for_each step is cancelled with its elements.
 * Errors: `invalid_transition`, `not_found`.
 */
export function* cancelTask(ctx: EngineContext, input: { task: string; reason?: string | undefined }): Tx<TaskChanged> {
  const { task, spec, run, counters } = yield* lockTask(input.task);
  if (spec.review_of !== undefined) yield* requireNoVerdictDue(task);
  // Refuses a task that has ended.
  transition(taskMachine, task, "cancel");
  const change = new RunChange(ctx, run, counters);
  const reason = input.reason ?? "cancelled";
  const cancelled = yield* cancelOne(change, task, reason);
  const settled = [...cancelled.settled];
  for (const element of yield* elementsIn(cancelled.task)) {
    if (canMove(taskMachine, element, "cancel")) settled.push(...(yield* cancelOne(change, element, reason)).settled);
  }
  const ready = yield* settleDependents(change, settled);
  return { task: cancelled.task, ready, ...(yield* change.flush()) };
}

/** Errors: `invalid_transition` where a task waits for the verdict of this one. */
function* requireNoVerdictDue(task: Task): Tx<void> {
  const review = yield* findReview(task.id);
  const reviewed = review?.binding === true && review.task !== null ? yield* findTask(review.task) : undefined;
  if (reviewed?.status !== "in_review" || task.endedAt !== null) return;
  const message = `Task ${task.key} (${task.id}) is the review that ${reviewed.key} (${reviewed.id}) waits for: decide it with submit_review, or cancel ${reviewed.key}, which cancels it too. Nothing was changed.`;
  throw new BatonError("invalid_transition", message, {
    details: { task: task.id, status: task.status, reviews: reviewed.id },
    next: [callOperation("cancel_task", { task: reviewed.id })],
  });
}

function* elementsIn({ id, readsSpecOnStart }: Task): Tx<Task[]> {
  if (!readsSpecOnStart || (yield* findTaskAndSpec(id))?.spec.dynamic?.elements === undefined) return [];
  return yield* dependenciesOf(id);
}

function* cancelOne(change: RunChange, task: Task, reason: string): Tx<{ task: Task; settled: Settled[] }> {
  const { ctx } = change;
  const to = transition(taskMachine, task, "cancel");
  const data = { key: task.key, reason };
  if (task.status === "running") {
    yield* orderCancel(task.id, ctx.now + ctx.settings.cancel_grace_ms);
    change.record({ type: "task.cancel_requested", task: task.id, agent: task.agent, data });
    return { task: { ...task, orders: "cancel_requested" }, settled: [] };
  }
  const withdrawn = yield* withdrawReviews(change, task, reason);
  const reasons = [{ kind: "cancelled", detail: reason, blocking: [] }];
  yield* endTasks([task.id], { from: task.status, to, at: ctx.now, reasons });
  change.move(task, to);
  change.record({ type: "task.cancelled", task: task.id, data });
  const ended: Task = { ...task, status: to, reasons, endedAt: ctx.now };
  // Its dependents have counted a blocked task already.
  const own: Settled[] = task.status === "blocked" ? [] : [{ task: ended, as: settlementOf(to) }];
  return { task: ended, settled: [...withdrawn, ...own] };
}

const DECIDED_ELSEWHERE = "another review has decided about the task";

/** Cancels the open reviews of a task that leaves its review. Returns those that have ended: tasks may depend on them. */
export function* withdrawReviews(change: RunChange, task: Task, reason: string): Tx<Settled[]> {
  if (task.status !== "in_review") return [];
  const settled: Settled[] = [];
  for (const review of yield* openReviewTasks(task.id))
    settled.push(...(yield* cancelOne(change, review, reason)).settled);
  return settled;
}

/**
 * Settles what a verdict has ended, and cancels the other reviews of its task: a replay or a lost reviewer has left two. Those that had
 * failed for good are cancelled too, and what they blocked is decided afresh, so that the run does not fail of a review that nothing waits
 * for. Returns what became ready.
 */
export function* settleVerdict(
  change: RunChange,
  task: Task | undefined,
  decided: readonly Settled[],
): Tx<readonly Task[]> {
  if (!task) return yield* settleDependents(change, decided);
  const withdrawn = yield* withdrawReviews(change, task, DECIDED_ELSEWHERE);
  const lost = yield* lostReviewTasks(task.id);
  if (lost.length > 0) yield* reopen(change, { tasks: lost, from: "dead_letter" });
  const ready = yield* settleDependents(change, [...decided, ...withdrawn]);
  if (change.stopping) return ready;
  const behind = yield* allBlockedBehind(lost);
  if (behind.length === 0) return ready;
  const opened = yield* reopen(change, { tasks: behind, from: "blocked" });
  return [...ready, ...(yield* judgeAfresh(change, opened))];
}

/** Ends a held task that was asked to stop. */
export function* cancelHeld(
  ctx: EngineContext,
  held: LockedTask,
  { note, usage, caller }: { note: string; usage?: Usage | undefined; caller?: OtherCaller | undefined },
): Tx<TaskChanged> {
  const change = new RunChange(ctx, held.run, held.counters);
  const task = yield* endAttempt(change, held, { event: "cancel", outcome: "cancelled", note, usage, fenced: true });
  change.record({
    type: "task.cancelled",
    task: task.id,
    agent: held.task.agent,
    data: { key: task.key, token: held.task.token, reason: note, ...caller },
  });
  const ready = yield* settleDependents(change, [{ task, as: "skipped" }]);
  return { task, ready, ...(yield* change.flush()) };
}
