import { z } from "zod";
import { roundedDollars } from "../base/money.js";
import { BUDGET_LIMIT_MAX } from "../engine/cost/budget-state.js";
import { COMPLEXITIES, type ModelAdvice, recommendModel } from "../engine/forecasts/recommendations.js";
import { MODEL_TIERS } from "../engine/forecasts/tiers.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { count } from "../dispatch/shapes.js";

const advised = {
  model: z.string(),
  tier: z.enum(MODEL_TIERS).optional(),
  /** Expected share of work that is right at once. */
  quality: z.number(),
  expected_cost: z.number().optional(),
  /** Past tasks of the role with the model. */
  observations: count,
  confidence: z.number(),
} as const;

const recommend = defineOperation({
  name: "recommend_model",
  title: "Recommend a model",
  description:
    "Recommends a model for tasks of a role: of those whose work is good enough for the complexity and fits the budget, the one with the most quality for its cost. Quality is measured by past tasks, their failed attempts and revisions; without any, the tier by price stands for it, and the answer says so.",
  area: "cost",
  effect: "read",
  words: ["which model", "model tier", "cheaper model"],
  example: { role: "backend" },
  input: z.object({
    role: params.name,
    complexity: z.enum(COMPLEXITIES).default("medium"),
    budget: z.number().min(0).max(BUDGET_LIMIT_MAX).optional().describe("US$ that such a task may cost."),
  }),
  output: z.object({
    recommendation: z.object({ ...advised, because: z.string() }),
    alternatives: z.array(z.object(advised)),
  }),
  *run(ctx, input) {
    const { best, others, because } = yield* recommendModel(ctx, input);
    return { recommendation: { ...adviceView(best), because }, alternatives: others.map(adviceView) };
  },
});

function adviceView({ model: named, tier, quality, cost, observations, confidence }: ModelAdvice) {
  return {
    model: named,
    ...(tier && { tier }),
    quality: Math.round(quality * 100) / 100,
    ...(cost !== undefined && { expected_cost: roundedDollars(cost) }),
    observations,
    confidence: Math.round(confidence * 100) / 100,
  };
}

export const modelAdviceOperations = [recommend] as const;
