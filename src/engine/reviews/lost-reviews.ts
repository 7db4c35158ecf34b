import { awaitedReplay, awaitingReviewers, openReviewTasks, reviewsOf } from "../../store/reviews/reviews.js";
import { setDue } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import { SERVER, type EngineContext } from "../context.js";
import { REVIEW_ROUNDS } from "../definitions/schema.js";
import type { EffectContext, EffectResult, RunOutcome } from "../effect.js";
import type { LockedTask } from "../lifecycle/locked-task.js";
import { RunChange } from "../lifecycle/run-change.js";
import { takesWork } from "../lifecycle/run-state.js";
import { openReview } from "./opening.js";

/** Has the tick look at the tasks whose reviewer's task became a dead letter. */
export function* noteLostReviews(ctx: EffectContext, { failures }: RunOutcome): Tx<EffectResult> {
  if (failures.length === 0) return {};
  const waiting = yield* awaitingReviewers(failures.map(({ task }) => task));
  for (const task of waiting) yield* setDue(task, ctx.now);
  if (waiting.length > 0) ctx.onDue?.();
  return {};
}

/**
 * Has a person review a task in review whose reviewers have all failed without a verdict: it would wait for ever, and its run with it.
 * Returns when to look again: null where a review is open.
 */
export function* askPersonToReview(ctx: EngineContext, locked: LockedTask): Tx<number | null> {
  const { task, spec, run } = locked;
  const open = yield* openReviewTasks(task.id);
  if (open.length > 0 || !takesWork(run)) return null;
  const replayAt = yield* awaitedReplay(task.id);
  if (replayAt !== null) return replayAt;
  const last = (yield* reviewsOf(task.id)).at(-1);
  const { artifact = null, hash = null, commit = null, noDiff = null } = last ?? {};
  const change = new RunChange(ctx, run, locked.counters);
  yield* openReview(change, locked, {
    policy: { ...spec.review, by: "human", max_rounds: spec.review?.max_rounds ?? REVIEW_ROUNDS },
    author: last?.author ?? null,
    requestedBy: SERVER,
    binding: true,
    diff: { artifact, hash, commit, noDiff },
  });
  yield* change.flush();
  return null;
}
