import { BatonError } from "../../base/errors.js";
import type { EngineContext } from "../context.js";
import type { Step } from "../definitions/definition.js";
import { EvaluationFailed, type Values } from "../expressions/expressions.js";
import { DEFAULT_ESTIMATE_MS } from "../scheduling/order.js";
import type { Planned } from "./instantiate.js";
import { filledIn, isKnownAtStart } from "./values.js";

export interface RankedSteps {
  readonly steps: readonly Step[];
  /** Upward ranks in ms, by key. */
  readonly ranks: ReadonlyMap<string, number>;
}

/** The steps of a sound definition on their way to becoming tasks, with their places in the graph. */
export function planOf(ctx: EngineContext, { steps, ranks }: RankedSteps, values: Values): Planned[] {
  const ids = new Map(steps.map((step) => [step.key, ctx.newId("task")]));
  const dependents = new Map<string, number>();
  for (const step of steps) {
    for (const need of step.needs) dependents.set(need, (dependents.get(need) ?? 0) + 1);
  }
  const idOf = (key: string): string => {
    const id = ids.get(key);
    if (id === undefined) throw new Error(`a sound definition names "${key}", which is not a step`);
    return id;
  };
  return steps.map((step) => ({
    step: isKnownAtStart(step) ? filledAtStart(step, values) : step,
    id: idOf(step.key),
    dependencies: step.needs.map(idOf),
    dependents: dependents.get(step.key) ?? 0,
    upwardRankMs: ranks.get(step.key) ?? DEFAULT_ESTIMATE_MS,
  }));
}

/** Errors: `invalid_input` for an expression that has no value, such as that of an input that was not given. */
export function filledAtStart(step: Step, values: Values): Step {
  try {
    return filledIn(step, values);
  } catch (error) {
    if (!(error instanceof EvaluationFailed)) throw error;
    throw new BatonError("invalid_input", `Step "${step.key}": ${error.message}.`, { details: { step: step.key } });
  }
}
