import { type LaneHead, laneFigures, type LanePlace } from "../../store/scheduling/lanes.js";
import { overBudgetWithin } from "../../store/cost/budgets.js";
import { findRun } from "../../store/runs/runs.js";
import { nextAvailable } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { budgetSentence, spentBudget } from "../lifecycle/cost.js";

/** Why a claim found nothing. */
export const NOTHING_REASONS = [
  "nothing_ready",
  "no_capability",
  "paused",
  "at_capacity",
  "locked_out",
  "budget_blocked",
  "run_finished",
] as const;
export type NothingReason = (typeof NOTHING_REASONS)[number];

export interface Nothing {
  readonly reason: NothingReason;
  /** More of it, in words. */
  readonly detail?: string;
  /** When to look again, in milliseconds, for a caller that does not wait. */
  readonly retryAfterMs: number;
}

const LOOK_AGAIN_MS = 5_000;

/** The reason that says most, from what stands in the lanes. */
export function* whyNothing(
  ctx: EngineContext,
  { place }: { place: LanePlace },
  heads: readonly LaneHead[],
): Tx<Nothing> {
  const retryAfterMs = yield* lookAgainIn(ctx, place);
  if ("run" in place) {
    const run = yield* findRun(place.run);
    if (run && run.endedAt !== null) return { reason: "run_finished", retryAfterMs: 0 };
    if (run?.status === "paused") return { reason: "paused", retryAfterMs };
  }
  if (heads.length > 0) return { reason: "no_capability", retryAfterMs };
  const figures = yield* laneFigures(place);
  const spent = yield* spentIn("run" in place ? yield* overBudgetWithin(place.run) : figures.overBudget);
  if (spent !== undefined) return { reason: "budget_blocked", detail: spent, retryAfterMs };
  if (figures.full > 0) return { reason: "at_capacity", retryAfterMs };
  if (figures.paused > 0) return { reason: "paused", retryAfterMs };
  return { reason: figures.parked > 0 ? "locked_out" : "nothing_ready", retryAfterMs };
}

/** Returns the reason why a run gives out no task because a budget is spent, if it is. */
function* spentIn(id: string | null | undefined): Tx<string | undefined> {
  const run = typeof id === "string" ? yield* findRun(id) : undefined;
  const budget = run && (yield* spentBudget(run));
  return budget && budgetSentence(budget);
}

function* lookAgainIn(ctx: EngineContext, place: LanePlace): Tx<number> {
  const next = yield* nextAvailable(place);
  return next === undefined ? LOOK_AGAIN_MS : Math.max(0, Math.min(LOOK_AGAIN_MS, next - ctx.now));
}
