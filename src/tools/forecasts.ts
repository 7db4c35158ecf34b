import { roundedDollars } from "../base/money.js";
import { BatonError } from "../base/errors.js";
import { z } from "zod";
import { TOKENS_MAX } from "../engine/usage/usage.js";
import type { Estimate } from "../engine/forecasts/estimates.js";
import { forecastDefinition, forecastRun, type RunForecast } from "../engine/forecasts/run-forecasts.js";
import { estimateTask } from "../engine/forecasts/task-estimates.js";
import { MODEL_TIERS } from "../engine/forecasts/tiers.js";
import type { Definition } from "../engine/definitions/definition.js";
import { decompose } from "../engine/planning/workflow-templates.js";
import { projectAtHand } from "../engine/projects/creation.js";
import { chooseDefinition, prepareRun } from "../engine/runs/preparation.js";
import type { Entry } from "../engine/templates/catalogue.js";
import { definition as definitionParam, DEFINITION_EXAMPLE, withStepsGathered } from "../dispatch/definition-param.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { count } from "../dispatch/shapes.js";
import { templatesAt } from "./templates.js";
import type { EngineContext } from "../engine/context.js";
import type { Tx } from "../store/tx.js";

const model = z.string().min(1).max(200);

/** Where an estimate is from. */
const grounds = {
  /** The narrowest group of past tasks, and how many are in it. */
  basis: z.string(),
  observations: count,
  confidence: z.number(),
} as const;

const estimateShape = z.object({
  input_tokens: count,
  output_tokens: count,
  input_cost: z.number().optional(),
  output_cost: z.number().optional(),
  total_cost: z.number().optional(),
  low: z.number().optional(),
  high: z.number().optional(),
  model: z.string(),
  tier: z.enum(MODEL_TIERS).optional(),
  price: z.enum(["own_price", "list_price", "reported", "unknown"]),
  ...grounds,
  role: z.string().optional(),
  type: z.string().optional(),
});

const estimate = defineOperation({
  name: "estimate_task_cost",
  title: "Estimate the cost of a task",
  description:
    "Estimates what a task of a role will use and cost, in tokens and US dollars, from past tasks of the same role, type and model, or wider groups where there are few: the typical amount, the 80 % interval, and a confidence from 0 to 1. Without any, the size of the prompt says it.",
  area: "cost",
  effect: "read",
  words: ["how much will it cost", "predict cost", "tokens"],
  example: { role: "backend" },
  translate: withDocumentedNames,
  input: z.object({
    task: params.task.optional(),
    role: params.name.optional(),
    type: params.name.optional().describe("The key of a step that such tasks have."),
    model: model.optional().describe("Default: the one that the role has used most."),
    prompt_tokens: z.int().min(0).max(TOKENS_MAX).optional(),
    iterations: z.int().min(1).max(10_000).optional().describe("Model calls expected. With past tasks: a lower bound."),
  }),
  output: z.object({ estimate: estimateShape, notes: z.array(z.string()).optional() }),
  *run(ctx, input) {
    if (input.task === undefined && input.role === undefined) throw nothingAsked();
    const found = yield* estimateTask(ctx, input);
    const { role, type, known } = found;
    const notes = notesOf(found, known);
    return {
      estimate: { ...estimateView(found), ...(role !== null && { role }), ...(type !== undefined && { type }) },
      ...(notes.length > 0 && { notes }),
    };
  },
});

/** The names that Python's callers write: a length in characters, and iterations that are expected. */
function withDocumentedNames(given: Record<string, unknown>): Record<string, unknown> {
  const { prompt_length, expected_iterations, ...rest } = given;
  return {
    ...(typeof prompt_length === "number" && { prompt_tokens: tokensOfLength(prompt_length) }),
    ...(prompt_length !== undefined && typeof prompt_length !== "number" && { prompt_length }),
    ...(expected_iterations !== undefined && { iterations: expected_iterations }),
    ...rest,
  };
}

const CHARS_A_TOKEN = 4;

/** A length below zero stays what it is, and is refused. */
function tokensOfLength(chars: number): number {
  return chars < 0 ? chars : Math.ceil(chars / CHARS_A_TOKEN);
}

function nothingAsked(): BatonError {
  const message = "Give role, such as backend, or task, whose role and prompt it has.";
  return new BatonError("invalid_input", message, { details: { path: "role" } });
}

const NO_MODEL = "none named";

function estimateView({ tokens, cost, model: named, tier, price, judgement }: Estimate): z.input<typeof estimateShape> {
  const { basis, observations, confidence } = judgement;
  return {
    input_tokens: tokens.input,
    output_tokens: tokens.output,
    ...(cost && {
      input_cost: roundedDollars(cost.input),
      output_cost: roundedDollars(cost.output),
      total_cost: roundedDollars(cost.typical),
      low: roundedDollars(cost.low),
      high: roundedDollars(cost.high),
    }),
    model: named ?? NO_MODEL,
    ...(tier && { tier }),
    price,
    basis,
    observations,
    confidence: Math.round(confidence * 100) / 100,
  };
}

function notesOf({ modelFrom, model: named, unpriced, price, judgement }: Estimate, known: number): string[] {
  return [
    ...(unpriced === undefined
      ? []
      : [
          `The price of ${unpriced}, which the role has used, is not known: ${named} was taken. Set "prices" in baton.json.`,
        ]),
    ...(modelFrom === "default" && unpriced === undefined
      ? [`No task has reported a model yet: ${named} was taken. Name yours in model.`]
      : []),
    ...(price === "unknown"
      ? [`The price of ${named} is not known, so no cost is said: set "prices" in baton.json.`]
      : []),
    ...(judgement.observations === 0
      ? [
          `No past task of ${known} that were read fits: this is what the size of a prompt says, and little more than a guess.`,
        ]
      : []),
  ];
}

const STEPS_SHOWN_MAX = 200;

const forecastShape = z.object({
  total_estimated: z.number(),
  low: z.number(),
  high: z.number(),
  spent: z.number(),
  tasks: count,
  by_step: z.array(
    z.object({
      step: z.string(),
      role: z.string().optional(),
      model: z.string().optional(),
      tasks: count,
      estimated: z.number(),
      spent: z.number().optional(),
      ...grounds,
    }),
  ),
  more_steps: count.optional(),
});

const forecast = defineOperation({
  name: "forecast_run_cost",
  title: "Forecast the cost of a run",
  description:
    "Forecasts what a run, a stored workflow, a definition or a goal will cost at its end in US dollars, from past tasks of the same roles: the typical total, the 80 % interval, what is spent so far, and each step's part of what is to come. A goal is divided by the template that fits it.",
  area: "cost",
  effect: "read",
  words: ["how much will it cost", "predict cost", "budget a run"],
  example: { definition: DEFINITION_EXAMPLE },
  takesSteps: true,
  translate: withStepsGathered,
  input: z.object({
    run: params.run.optional(),
    workflow: z.string().optional().describe("From list_workflows."),
    definition: definitionParam,
    goal: z.string().min(1).max(100_000).optional(),
    model: model.optional().describe("For all steps. Default: the one that each role has used most."),
    project: params.project,
  }),
  output: z.object({ forecast: forecastShape, template: z.string().optional(), notes: z.array(z.string()).optional() }),
  needs: ["templates"],
  async perform(host, input) {
    requireOneSubject(input);
    const entries = input.goal === undefined ? [] : (await templatesAt(host)).entries;
    return host.read((ctx) => forecastGiven(ctx, input, entries));
  },
});

interface Subject {
  readonly run?: string | undefined;
  readonly workflow?: string | undefined;
  readonly definition?: Record<string, unknown> | undefined;
  readonly goal?: string | undefined;
}

function requireOneSubject({ run, workflow, definition, goal }: Subject): void {
  const given = Object.entries({ run, workflow, definition, goal }).flatMap(([key, value]) =>
    value === undefined ? [] : [key],
  );
  if (given.length === 1) return;
  const found = given.length === 0 ? "none is given" : `${given.join(" and ")} are given`;
  throw new BatonError("invalid_input", `Give one of run, workflow, definition and goal: ${found}.`, {
    details: { path: "run" },
  });
}

type ForecastInput = Subject & { readonly model?: string | undefined; readonly project?: string | undefined };

function* forecastGiven(ctx: EngineContext, input: ForecastInput, entries: readonly Entry[]) {
  if (input.run !== undefined) return forecastView(yield* forecastRun(ctx, input.run, input.model));
  const project = yield* projectAtHand(ctx, input.project);
  const within = { project, model: input.model };
  if (input.goal !== undefined) {
    const { template, workflow } = decompose(entries, input.goal, "auto");
    const found = yield* forecastDefinition(ctx, workflow.definition, within);
    return { ...forecastView(found), template: template.name };
  }
  return forecastView(yield* forecastDefinition(ctx, yield* definitionOf(ctx, input, project), within));
}

function* definitionOf(
  ctx: EngineContext,
  { workflow, definition }: ForecastInput,
  project: Parameters<typeof chooseDefinition>[1],
): Tx<Definition> {
  const chosen = yield* chooseDefinition(ctx, project, { workflow, definition, overrides: {} });
  return (yield* prepareRun(ctx, chosen)).parsed.definition;
}

function forecastView({ typical, low, high, spent, steps, notes }: RunForecast) {
  const shown = steps.toSorted((a, b) => b.estimated - a.estimated).slice(0, STEPS_SHOWN_MAX);
  return {
    forecast: {
      total_estimated: roundedDollars(typical),
      low: roundedDollars(low),
      high: roundedDollars(high),
      spent,
      tasks: steps.reduce((sum, { step }) => sum + step.count, 0),
      by_step: shown.map(({ step, estimate: { model: named, judgement }, estimated }) => ({
        step: step.type,
        ...(step.role !== null && { role: step.role }),
        ...(named !== null && { model: named }),
        tasks: step.count,
        estimated: roundedDollars(estimated),
        ...(step.spent > 0 && { spent: step.spent }),
        basis: judgement.basis,
        observations: judgement.observations,
        confidence: Math.round(judgement.confidence * 100) / 100,
      })),
      ...(steps.length > shown.length && { more_steps: steps.length - shown.length }),
    },
    ...(notes.length > 0 && { notes: [...notes] }),
  };
}

export const forecastOperations = [estimate, forecast] as const;
