import { z } from "zod";
import { dollarsOf } from "../base/money.js";
import { instantAt } from "../base/time.js";
import { projectAtHand } from "../engine/projects/creation.js";
import { requireRun } from "../engine/lookup.js";
import { costs } from "../engine/cost/costs.js";
import { recordUsage } from "../engine/cost/recording.js";
import type { EngineContext } from "../engine/context.js";
import {
  COST_MAX,
  loadPrices,
  needsPrice,
  pricedUsage,
  TOKENS_MAX,
  type Usage,
  withOwnCounts,
} from "../engine/usage/usage.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const tokens = z.int().min(0).max(TOKENS_MAX);

const reported = {
  model: z.string().min(1).max(200).optional(),
  input_tokens: tokens.optional().describe("Without the cached ones."),
  output_tokens: tokens.optional(),
  cached_tokens: tokens.optional().describe("Read from the model's cache."),
  cache_write_tokens: tokens.optional(),
  cost: z.number().min(0).max(COST_MAX).optional().describe("US$. Default: by the price of the model."),
} as const;

const record = defineOperation({
  name: "record_usage",
  title: "Record usage of a model",
  description:
    "Records the tokens and the cost of model calls at any time, beside the usage of complete_task, for a task, a run or the project, and charges the budgets. The cost is computed from the price of the model where it is not given; a model without a known price counts as nothing, and the answer says so.",
  area: "cost",
  effect: "write",
  aliases: ["record_llm_call"],
  translate: withOwnCounts,
  words: ["report tokens", "llm cost"],
  example: { task: "run_…/build", model: "claude-sonnet-4-5", input_tokens: 1500, output_tokens: 800 },
  input: z.object({
    task: params.task.optional(),
    run: params.run.optional(),
    project: params.project,
    role: params.name.optional().describe("Default: that of the task."),
    ...reported,
    ...params.acting,
  }),
  output: z.object({
    cost: z.number(),
    price: z.enum(["given", "own_price", "list_price", "unknown"]),
    note: z.string().optional(),
    agent: z.string(),
    task: z.string().optional(),
    run: z.string().optional(),
    budgets: z.array(shapes.budget),
  }),
  prepare: (input) => (needsPrice(input) ? (ctx) => loadPrices(ctx, input) : undefined),
  *run(ctx, { task, run, project, role, agent, ...usage }) {
    const recorded = yield* recordUsage(ctx, { task, run, project, role, agent, usage });
    const { cost, price, model } = recorded.usage;
    return {
      cost: dollarsOf(cost),
      price,
      ...(price === "unknown" && { note: unknownPrice(model) }),
      agent: recorded.agent,
      ...(recorded.task !== null && { task: recorded.task }),
      ...(recorded.run !== null && { run: recorded.run }),
      budgets: [...recorded.budgets],
    };
  },
});

/** The sentence for usage whose price is not known; undefined for other usage. */
export function unpricedNote(ctx: EngineContext, usage: Usage | undefined): string | undefined {
  const priced = pricedUsage(ctx, usage);
  return priced?.price === "unknown" ? unknownPrice(priced.model) : undefined;
}

function unknownPrice(model: string | null): string {
  const missing = model === null ? "No model is named" : `The price of ${model} is not known`;
  return `${missing}, so these tokens count as no cost: give cost, or set "prices" in baton.json.`;
}

const get = defineOperation({
  name: "get_costs",
  title: "Get costs",
  description:
    "Shows what was spent in a project, or in one run, by run, agent, role, model, day or task: cost in US dollars and tokens, the dearest first, with the total. unpriced counts records whose model has no known price.",
  area: "cost",
  effect: "read",
  words: ["spending", "how much did it cost"],
  input: z.object({
    group_by: z.enum(["run", "agent", "role", "model", "day", "task"]).default("run"),
    project: params.project,
    run: params.run.optional(),
    all_projects: z.boolean().default(false),
    since: z.string().optional().describe("An instant in ISO 8601."),
  }),
  output: z.object({
    group_by: z.string(),
    groups: z.array(z.looseObject(shapes.costs)),
    total: z.object(shapes.costs),
    more: z.boolean(),
  }),
  *run(ctx, input) {
    const since = input.since === undefined ? undefined : instantAt("since", input.since);
    const run = input.run === undefined ? undefined : (yield* requireRun(input.run)).id;
    const everywhere = input.all_projects || run !== undefined;
    const project = everywhere ? undefined : ((yield* projectAtHand(ctx, input.project))?.id ?? "");
    return { group_by: input.group_by, ...(yield* costs(input.group_by, { project, run, since })) };
  },
});

export const usageOperations = [record, get] as const;
