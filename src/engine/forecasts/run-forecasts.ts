import { grouped } from "../../base/lists/groups.js";
import { dollarsOf } from "../../base/money.js";
import { openDescendants } from "../../store/child-runs/child-runs.js";
import { costWithin } from "../../store/cost/budgets.js";
import { openWork } from "../../store/usage/history.js";
import { findWorkflowByName } from "../../store/workflows/workflows.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { Definition, Step } from "../definitions/definition.js";
import { requireRun } from "../lookup.js";
import type { Project } from "../projects/projects.js";
import { requireWorkflow } from "../workflows/workflows.js";
import { type Estimate, Estimator, type Work } from "./estimates.js";
import { stepKey } from "../steps/task-type.js";
import { pastWork } from "./history.js";
import { Pricing } from "./pricing.js";
import { type AmountRange, sumOf } from "./sums.js";
import { tokensOfText } from "./task-estimates.js";

/** Steps of one kind that are to be done: how many tasks, and what those that have begun have cost so far, in US dollars. */
interface Ahead extends Work {
  readonly type: string;
  readonly count: number;
  readonly spent: number;
}

export interface StepForecast {
  readonly step: Ahead;
  readonly estimate: Estimate;
  /** Its part of what is still to come, in US dollars. */
  readonly estimated: number;
}

/** The cost that a run will have had at its end, in US dollars. */
export interface RunForecast extends AmountRange {
  readonly spent: number;
  readonly steps: readonly StepForecast[];
  readonly notes: readonly string[];
}

/** How many open tasks of a run are looked at. */
const TASKS_MAX = 20_000;

/** Forecasts what a run that has been started will have cost, with its child runs. Errors: `not_found`. */
export function* forecastRun(ctx: EngineContext, id: string, model?: string): Tx<RunForecast> {
  const run = yield* requireRun(id);
  const open = run.endedAt === null ? yield* openWork([id, ...(yield* openDescendants(id))], TASKS_MAX) : [];
  const spent = dollarsOf(yield* costWithin(id));
  const groups = grouped(open, ({ key, role }) => JSON.stringify([stepKey(key), role]));
  const steps = [...groups.values()].flatMap((tasks): Ahead[] => {
    const [first] = tasks;
    if (first === undefined) return [];
    const soFar = tasks.reduce((sum, task) => sum + task.spent, 0);
    return [{ type: stepKey(first.key), role: first.role, count: tasks.length, spent: dollarsOf(soFar), model }];
  });
  return yield* forecastSteps(ctx, { steps, spent, notes: [] });
}

/** Forecasts what a run of a definition will cost. */
export function* forecastDefinition(
  ctx: EngineContext,
  definition: Definition,
  { project, model }: { project: Project | undefined; model?: string | undefined },
): Tx<RunForecast> {
  const notes: string[] = [];
  const steps = yield* stepsAhead(ctx, definition, { project, depth: 0, notes, left: { steps: STEPS_MAX } });
  return yield* forecastSteps(ctx, { steps: steps.map((step) => ({ ...step, model })), spent: 0, notes });
}

interface Reading {
  readonly project: Project | undefined;
  readonly depth: number;
  readonly notes: string[];
  /** Shared by all workflows of the reading. */
  readonly left: { steps: number };
}

/** How deep the workflows of steps are followed, and how many steps are looked at in all. */
const DEPTH_MAX = 3;
const STEPS_MAX = 10_000;

function* stepsAhead(ctx: EngineContext, { steps }: Definition, reading: Reading): Tx<Ahead[]> {
  const found: Ahead[] = [];
  for (const step of steps) {
    if (reading.left.steps === 0) return found;
    if (--reading.left.steps === 0) reading.notes.push(`Only the first ${STEPS_MAX} steps were counted.`);
    const count = elementsOf(step, reading.notes);
    if (step.kind === "workflow") {
      const inner = yield* stepsWithin(ctx, step, reading);
      found.push(...inner.map((one) => ({ ...one, count: one.count * count })));
    } else if (step.kind === "agent" || step.kind === "plan") {
      const size = step.prompt === undefined ? {} : { prompt_tokens: tokensOfText(step.prompt) };
      found.push({ type: step.key, role: step.role ?? null, count, spent: 0, ...size });
    }
  }
  return found;
}

function elementsOf({ key, for_each }: Step, notes: string[]): number {
  if (for_each === undefined) return 1;
  if (typeof for_each !== "string") return for_each.length;
  notes.push(`Step ${key} makes one task for each element of a list that is not known yet: one was counted.`);
  return 1;
}

function* stepsWithin(ctx: EngineContext, { key, workflow = "" }: Step, reading: Reading): Tx<Ahead[]> {
  const { project, depth, notes, left } = reading;
  const known = project && (yield* findWorkflowByName(project.id, workflow));
  if (known === undefined || known.archivedAt !== null || depth >= DEPTH_MAX) {
    notes.push(`Step ${key} runs the workflow ${workflow}, which is not counted: it is not known, or too deep.`);
    return [];
  }
  const { definition } = yield* requireWorkflow(ctx, project, { workflow: known.id });
  return yield* stepsAhead(ctx, definition, { project, depth: depth + 1, notes, left });
}

interface Ask {
  readonly steps: readonly Ahead[];
  readonly spent: number;
  readonly notes: readonly string[];
}

function* forecastSteps(ctx: EngineContext, { steps, spent, notes }: Ask): Tx<RunForecast> {
  const past = yield* pastWork(steps.flatMap(({ role }) => role ?? []));
  const estimator = new Estimator(past, new Pricing(ctx));
  const known = new Map<string, Estimate>();
  const estimated = steps.map((step) => {
    const { role, type, model, prompt_tokens } = step;
    const alike = JSON.stringify([role, type, model, prompt_tokens]);
    const estimate = known.get(alike) ?? estimator.estimate(step);
    known.set(alike, estimate);
    return { step, estimate };
  });
  const priced = estimated.filter(({ estimate: { cost } }) => cost !== undefined && cost.typical > 0);
  const sum = sumOf(priced.map(({ step, estimate }) => ({ ...estimate.judgement, count: step.count })));
  // Tasks that have begun have spent a part of what they will: the whole is never below it.
  const begun = steps.reduce((total, step) => total + step.spent, 0);
  const whole = (amount: number) => Math.max(amount, begun) + spent - begun;
  const weights = priced.map(({ step, estimate }) => step.count * meanOf(estimate));
  const all = weights.reduce((total, weight) => total + weight, 0);
  const shareOf = new Map(priced.map((one, at) => [one, all === 0 ? 0 : (weights[at] ?? 0) / all]));
  const unpriced = estimated.filter(({ estimate }) => estimate.cost === undefined).length;
  const replaced = new Set(estimated.flatMap(({ estimate }) => estimate.unpriced ?? []));
  return {
    typical: whole(sum.typical),
    low: whole(sum.low),
    high: whole(sum.high),
    spent,
    steps: estimated.map((one) => ({ ...one, estimated: sum.typical * (shareOf.get(one) ?? 0) })),
    notes: [
      ...notes,
      ...[...replaced].map(
        (model) => `The price of ${model} is not known: a model with a price was taken for its steps.`,
      ),
      ...(unpriced === 0 ? [] : [`${unpriced} steps are of a model without a known price: counted as nothing.`]),
    ],
  };
}

const VARIANCE_MAX = 3;

/** The mean of a log-normal amount: means add up where medians do not. */
function meanOf({ judgement: { belief } }: Estimate): number {
  return Math.exp(belief.mean + Math.min(belief.variance, VARIANCE_MAX) / 2);
}
