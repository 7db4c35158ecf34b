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

/**
 * Returns steps in which those that name no estimate have what tasks of their type have taken so far. Reads the evidence of all types
 * through, so it is called before the transaction that writes. Without learning the steps stay as they are.
 */
export function* withLearnedEstimates(ctx: EngineContext, steps: readonly Step[]): Tx<readonly Step[]> {
  const { learning_enabled: isOn, learning_rate: rate } = ctx.settings;
  if (!isOn || !steps.some(isOpen)) return steps;
  const learned = yield* durationsByType(TYPES_MAX, { now: ctx.now, perMs: fadingPerMs(rate) });
  const estimateOfType = estimatesBy(learned);
  if (estimateOfType === undefined) return steps;
  return steps.map((step) => (isOpen(step) ? { ...step, estimate_ms: estimateOfType(stepType(step)) } : step));
}

function isOpen({ kind, estimate_ms }: Step): boolean {
  return estimate_ms === undefined && CLAIMED.has(kind);
}

/**
 * Returns how long a task of a type is expected to take, in ms: the median of its type, which backs off to that of all types, and that to
 * the default. Undefined where none has ended.
 */
export function estimatesBy(learned: readonly TypeDurations[]): ((type: string) => number) | undefined {
  const durations = learned.reduce((sum, one) => sum + one.durations, 0);
  if (durations === 0) return undefined;
  const logSum = learned.reduce((sum, one) => sum + one.logSum, 0);
  const ofAll = (DEFAULT_WEIGHT * Math.log(DEFAULT_ESTIMATE_MS) + logSum) / (DEFAULT_WEIGHT + durations);
  const byType = new Map(
    learned.map((one) => [one.type, (WIDER_WEIGHT * ofAll + one.logSum) / (WIDER_WEIGHT + one.durations)]),
  );
  return (type) => Math.round(Math.exp(byType.get(type) ?? ofAll));
}
