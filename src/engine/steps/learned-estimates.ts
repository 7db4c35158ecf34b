import { fadingPerMs } from "../../base/numbers/half-life.js";
import { type TypeDurations, durationsByType } from "../../store/learning/evidence.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { Step } from "../definitions/definition.js";
import { DEFAULT_ESTIMATE_MS } from "../scheduling/order.js";
import { stepType } from "./task-type.js";

/** Attempts that the default estimate counts for in all types together, and these in one type. */
const DEFAULT_WEIGHT = 0.4;
const WIDER_WEIGHT = 1;
const TYPES_MAX = 1_000;
/** Kinds of step of whose attempts something is learned. */
const CLAIMED = new Set<Step["kind"]>(["agent", "command", "tool", "plan"]);

/** How long a task of a type is expected to take, in ms. */
export type LearnedEstimates = (type: string) => number;

/**
 * Returns what was learned of the durations of types; undefined where too little was, and without learning. Reads the evidence of all types
 * through, so it is called before the transaction that writes.
 */
export function* learnedEstimates(ctx: EngineContext): Tx<LearnedEstimates | undefined> {
  const { learning_enabled: isOn, learning_rate: rate } = ctx.settings;
  if (!isOn) return undefined;
  return estimatesBy(yield* durationsByType(TYPES_MAX, { now: ctx.now, perMs: fadingPerMs(rate) }));
}

/** As `withEstimates`, by what was learned until now. */
export function* withLearnedEstimates(ctx: EngineContext, steps: readonly Step[]): Tx<readonly Step[]> {
  return steps.some(isOpen) ? withEstimates(steps, yield* learnedEstimates(ctx)) : steps;
}

/** Returns steps in which those that name no estimate have what tasks of their type have taken so far. */
export function withEstimates(steps: readonly Step[], estimates: LearnedEstimates | undefined): readonly Step[] {
  return estimates === undefined ? steps : steps.map((step) => withEstimate(step, estimates));
}

export function withEstimate(step: Step, estimates: LearnedEstimates | undefined): Step {
  return estimates !== undefined && isOpen(step) ? { ...step, estimate_ms: estimates(stepType(step)) } : step;
}

function isOpen({ kind, estimate_ms }: Step): boolean {
  return estimate_ms === undefined && CLAIMED.has(kind);
}

/**
 * Returns the estimates of types: the median of its type, which backs off to that of all types, and that to
 * the default. Undefined where none has ended.
 */
export function estimatesBy(learned: readonly TypeDurations[]): LearnedEstimates | undefined {
  const durations = learned.reduce((sum, one) => sum + one.durations, 0);
  if (durations === 0) return undefined;
  const logSum = learned.reduce((sum, one) => sum + one.logSum, 0);
  const ofAll = (DEFAULT_WEIGHT * Math.log(DEFAULT_ESTIMATE_MS) + logSum) / (DEFAULT_WEIGHT + durations);
  const byType = new Map(
    learned.map((one) => [one.type, (WIDER_WEIGHT * ofAll + one.logSum) / (WIDER_WEIGHT + one.durations)]),
  );
  return (type) => Math.round(Math.exp(byType.get(type) ?? ofAll));
}
