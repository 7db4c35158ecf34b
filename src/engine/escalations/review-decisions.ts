import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { LockedTask } from "../lifecycle/locked-task.js";
import { RunChange } from "../lifecycle/run-change.js";
import { completeByServer } from "../lifecycle/server-attempts.js";
import type { GivenVerdict } from "../reviews/verdict.js";
import { decide, requireReview } from "../reviews/verdicts.js";
import { settleVerdict } from "../tasks/cancellation.js";
import type { WaitEnded } from "../signals/wait-steps.js";
import type { NewEvent } from "../../store/events/events.js";

/** A person's decision about a task that is in review. */
export interface ReviewDecision {
  readonly decision: "approved" | "approved_with_conditions" | "rejected";
  readonly conditions?: readonly string[] | undefined;
  readonly note?: string | undefined;
  readonly by: string;
}

/**
 * Takes a person's decision for the verdict of a review: with conditions the task goes back to its author with them, rejected it fails.
 * Errors: `invalid_transition` where it waits for no verdict any more.
 */
export function* decideAsPerson(
  ctx: EngineContext,
  { task, run, counters }: LockedTask,
  { by, decided, ...decision }: ReviewDecision & { readonly decided: Omit<NewEvent, "project" | "run"> },
): Tx<WaitEnded> {
  const review = yield* requireReview(task);
  const given = verdictOf(decision);
  const change = new RunChange(ctx, run, counters);
  change.record(decided);
  const settled = yield* completeByServer(change, task, { result: given, by });
  const { settled: more, ready } = yield* decide(change, { ...review, given, reviewer: by });
  const behind = yield* settleVerdict(change, review.task, [settled, ...more]);
  return { task: settled.task, ready: [...ready, ...behind], ...(yield* change.flush()) };
}

function verdictOf({ decision, conditions = [], note }: Omit<ReviewDecision, "by">): GivenVerdict {
  if (decision === "approved") return { verdict: "approve", critique: note };
  if (decision === "rejected") return { verdict: "reject", critique: note ?? "a person rejected it" };
  return { verdict: "revise", critique: note, findings: conditions.map((what) => ({ severity: "major", what })) };
}
