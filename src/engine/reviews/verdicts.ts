import { BatonError, callOperation } from "../../base/errors.js";
import { decideReview, findReview, type Review, reviewsOf } from "../../store/reviews/reviews.js";
import { saveDemands, findDemand } from "../../store/scheduling/lanes.js";
import { findAgent } from "../../store/agents/agents.js";
import { reviseTask } from "../../store/tasks/server-steps.js";
import { findTaskAndSpec, type Task } from "../../store/tasks/tasks.js";
import { endTasks } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import { SERVER } from "../context.js";
import { type Settled, taskMachine } from "../lifecycle/machines.js";
import { readyTasks, reserveFor } from "../lifecycle/ready.js";
import type { RunChange } from "../lifecycle/run-change.js";
import { failByServer } from "../lifecycle/server-attempts.js";
import { transition } from "../machine.js";
import { taskType } from "../steps/task-type.js";
import { reservedDemand } from "../scheduling/demands.js";
import { recordJudgement, requireOther } from "./judgements.js";
import { type GivenVerdict, isContradicted, isReasoned, qualityOf, verdictText } from "./verdict.js";

/** A review that is under way, with the task that it decides. */
export interface ReviewUnderWay {
  readonly review: Review;
  /** Undefined where an artifact alone is judged. */
  readonly task: Task | undefined;
  /** The kind of work that is judged. */
  readonly type?: string;
}

/**
 * The review of a reviewer's task. Errors: `invalid_transition` where the reviewed task waits for no verdict of this review any more:
 * it was cancelled, or is done again.
 */
export function* requireReview(reviewer: Task): Tx<ReviewUnderWay> {
  const review = yield* findReview(reviewer.id);
  if (!review) throw new Error(`task ${reviewer.id} reviews another, and there is no such review`);
  if (review.task === null) {
    requireOther(reviewer, review);
    return { review, task: undefined };
  }
  const found = yield* findTaskAndSpec(review.task);
  if (!found) throw overReview(reviewer, `task ${review.task}, which it reviews, has been removed`);
  const { task } = found;
  const type = taskType(task, found.spec);
  if (!review.binding) return { review, task, type };
  if (task.status !== "in_review")
    throw overReview(reviewer, `${task.key} (${task.id}), which it reviews, is ${task.status}`);
  // A withdrawn review may still be held, while its task is done and in review again.
  const known = yield* reviewsOf(task.id);
  const newer = known.find(({ binding, attempt }) => binding && attempt > review.attempt);
  if (newer) throw overReview(reviewer, `${task.key} (${task.id}) was done again, and ${newer.id} reviews that`);
  return { review, task, type };
}

function overReview({ id, key }: Task, why: string): BatonError {
  return new BatonError(
    "invalid_transition",
    `Review ${key} (${id}) is over: ${why}. Nothing was decided: release it.`,
    {
      details: { task: id },
      next: [{ tool: "get_task", arguments: { task: id } }],
    },
  );
}

/** Errors: `invalid_input` for a verdict that sends work back without a word, and for an approval that its own findings contradict. */
export function requireReasons({ id, token }: Task, given: GivenVerdict): void {
  if (isContradicted(given)) {
    const message =
      "approve contradicts a critical finding: revise or reject, or lower its severity. Nothing was decided.";
    throw new BatonError("invalid_input", message, {
      details: { path: "verdict" },
      next: [callOperation("submit_review", { ...given, task: id, token, verdict: "revise" })],
    });
  }
  if (isReasoned(given)) return;
  const message = `${given.verdict} needs a critique or findings: its author is to know what to do. Nothing was decided.`;
  throw new BatonError("invalid_input", message, {
    details: { path: "critique" },
    next: [callOperation("submit_review", { task: id, token, verdict: given.verdict, critique: "…" })],
  });
}

export interface Deciding extends ReviewUnderWay {
  readonly given: GivenVerdict;
  readonly reviewer: string;
}

/** The consequences of a verdict for the reviewed task. */
export interface DecidedReview {
  readonly review: Review;
  readonly task: Task | undefined;
  readonly settled: readonly Settled[];
  readonly ready: readonly Task[];
}

/** Records a verdict, and moves the reviewed task where it decides about it: to its end, or back to its author. */
export function* decide(change: RunChange, { review, task, type, given, reviewer }: Deciding): Tx<DecidedReview> {
  const { verdict, critique = null, findings = [] } = given;
  const decided: Review = { ...review, verdict, reviewer, critique, findings, decidedAt: change.ctx.now };
  yield* decideReview(decided);
  const { id, round, tier } = review;
  const counts = Object.fromEntries(
    [...new Set(findings.map(({ severity }) => severity))].map((one) => [
      one,
      findings.filter(({ severity }) => severity === one).length,
    ]),
  );
  const data = { review: id, verdict, round, tier, findings: counts };
  change.record({
    type: "review.submitted",
    task: review.task,
    agent: reviewer,
    data: { ...(task && { key: task.key }), ...data },
  });
  if (review.task === null) yield* recordJudgement(change, decided);
  if (type !== undefined && review.author !== null)
    change.recordVerdict({ agent: review.author, type, quality: qualityOf(given) });
  if (!task || !review.binding) return { review: decided, task, settled: [], ready: [] };
  if (verdict === "approve") return { review: decided, ...(yield* approve(change, task, review)) };
  if (verdict === "revise") return { review: decided, ...(yield* sendBack(change, task, review)) };
  const said = verdictText(decided);
  const error = { type: "rejected", message: `rejected by ${reviewer} in review round ${round}: ${said}` };
  const settled = yield* failByServer(change, task, { error });
  return { review: decided, task: settled.task, settled: [settled], ready: [] };
}

type Moved = Pick<DecidedReview, "task" | "settled" | "ready">;

function* approve(change: RunChange, task: Task, { id, author }: Review): Tx<Moved> {
  const { now: at } = change.ctx;
  const status = transition(taskMachine, task, "approve");
  yield* endTasks([task.id], { from: task.status, to: status, at, reasons: [] });
  change.move(task, status);
  change.recordTask({ ...task, agent: author }, "task.succeeded", { attempt: task.attempt, review: id });
  const ended: Task = { ...task, status, endedAt: at, dueAt: null };
  return { task: ended, settled: [{ task: ended, as: "succeeded" }], ready: [] };
}

/** in_review → ready, for its author first. No attempt of it counts as failed. */
function* sendBack(change: RunChange, task: Task, { id, round, author }: Review): Tx<Moved> {
  const status = transition(taskMachine, task, "revise");
  yield* reviseTask(task.id);
  change.move(task, status);
  change.recordTask({ ...task, agent: author }, "task.revise", { attempt: task.attempt, review: id, round });
  const pending: Task = { ...task, status, readyAt: null, dueAt: task.closeBy };
  const isThere = author !== null && author !== SERVER && (yield* findAgent(author))?.status === "active";
  const ready = yield* readyTasks(change, [isThere ? yield* keepFor(change, pending, author) : pending]);
  return { task: ready[0] ?? pending, settled: [], ready };
}

function* keepFor(change: RunChange, task: Task, author: string): Tx<Task> {
  const demand = yield* findDemand(task.demand);
  if (!demand) throw new Error(`task ${task.id} has no demand`);
  const kept = reservedDemand(demand, author);
  yield* saveDemands([kept, reservedDemand(demand, null)]);
  return yield* reserveFor(change, { ...task, demand: kept.id }, author);
}
