import { type LaneHead, laneStats, type ClaimTarget } from "../../store/scheduling/lanes.js";
import { overBudgetWithin } from "../../store/cost/budgets.js";
import { findRun } from "../../store/runs/runs.js";
import { nextAvailable } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { budgetSentence, blockedBudget } from "../cost/budget-state.js";

/** Reasons why a claim found no task. */
export const NO_WORK_REASONS = [
  "nothing_ready",
  "no_capability",
  "paused",
  "at_capacity",
  "locked_out",
  "budget_blocked",
  "run_finished",
] as const;
export type NoWorkReason = (typeof NO_WORK_REASONS)[number];

export interface NoWork {
  readonly reason: NoWorkReason;
  /** The reason in a sentence. */
  readonly detail?: string;
  /** When to claim again, in milliseconds, for a caller that does not wait. */
  readonly retryAfterMs: number;
}

const RETRY_AFTER_MS = 5_000;

/** Returns the most specific reason, from the lanes of the target. */
export function* whyNoWork(
  ctx: EngineContext,
  { target }: { target: ClaimTarget },
  heads: readonly LaneHead[],
): Tx<NoWork> {
  const retryAfterMs = yield* retryAfter(ctx, target);
  if ("run" in target) {
    const run = yield* findRun(target.run);
    if (run && run.endedAt !== null) return { reason: "run_finished", retryAfterMs: 0 };
    if (run?.status === "paused") return { reason: "paused", retryAfterMs };
  }
  if (heads.length > 0) return { reason: "no_capability", retryAfterMs };
  const figures = yield* laneStats(target);
  const spent = yield* spentIn("run" in target ? yield* overBudgetWithin(target.run) : figures.overBudget);
  if (spent !== undefined) return { reason: "budget_blocked", detail: spent, retryAfterMs };
  if (figures.full > 0) return { reason: "at_capacity", retryAfterMs };
  if (figures.paused > 0) return { reason: "paused", retryAfterMs };
  return { reason: figures.parked > 0 ? "locked_out" : "nothing_ready", retryAfterMs };
}

/** Returns the reason why a run gives out no task because a budget is spent, if it is. */
function* spentIn(id: string | null | undefined): Tx<string | undefined> {
  const run = typeof id === "string" ? yield* findRun(id) : undefined;
  const budget = run && (yield* blockedBudget(run));
  return budget && budgetSentence(budget);
}

function* retryAfter(ctx: EngineContext, target: ClaimTarget): Tx<number> {
  const next = yield* nextAvailable(target);
  return next === undefined ? RETRY_AFTER_MS : Math.max(0, Math.min(RETRY_AFTER_MS, next - ctx.now));
}
