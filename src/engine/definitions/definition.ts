import type { Requirements } from "../../store/resources/resources.js";
import type { DefaultStepDecision, RetryPolicy, ReviewPolicy, Timeouts } from "../../store/tasks/tasks.js";
import type { OnFailure, StepKind, TRIGGER_RULES } from "../../base/statuses.js";
import { buildDag, type Dag } from "../graph/dag.js";
import {
  type Deadline,
  type Defaults,
  headSchema,
  REVIEW_ROUNDS,
  type WrittenReview,
  type WrittenStep,
} from "./schema.js";
import { parseCompensation } from "./compensation.js";
import { addReviewGateProblems, addTakerProblems, type DefinitionLimits, parseStep } from "./step-checks.js";
import { conditionSource, type PlacedStep, type Reads, readExpressions } from "./expression-checks.js";
import { withLines } from "./lines.js";
import { withoutMissing, withStrictestBounds, wordIssue } from "./wording.js";
import { addForbidden, readDefinitionText } from "./text.js";
import { parseDuration } from "../../base/durations.js";
import { defined, type JsonObject, isObject } from "../../base/json.js";
import { addInputProblems, type InputDefinition } from "./inputs.js";
import { DEFAULT_ESTIMATE_MS, type Priority } from "../scheduling/order.js";
import type { OutputSchema } from "./json-schema.js";
import { type Problem, Problems, problemsError, zodProblems } from "../../base/problems.js";
import { addGraphProblems, type StepLinks } from "../graph/problems.js";

/** With `retry_attempts` of the settings. */
const DEFAULT_RETRY = {
  initial_interval_ms: 1_000,
  backoff_coefficient: 2,
  max_interval_ms: 60_000,
  non_retryable: [],
} as const;

/** Which element of a list a step was made for. */
export interface Element {
  readonly item: unknown;
  readonly index: number;
}

/** A step in its normal form: defaults merged in, durations in milliseconds, lists never absent. */
export interface Step {
  readonly key: string;
  readonly kind: StepKind;
  readonly title: string;
  /** Agent steps: the prompt. */
  readonly prompt?: string;
  /** Command steps: the command line, handed to `shell`. */
  readonly run?: string;
  /** Relative to the project's root, and inside it. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly shell?: string;
  /** Values of the expressions of `run`, once it has been filled in, by the variables in which they reach the command. */
  readonly values?: Readonly<Record<string, string>>;
  /** Tool steps: an MCP server of the person's own configuration, its tool, and the tool's arguments. */
  readonly server?: string;
  readonly tool?: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** Human steps: the question, and a JSON Schema of the answer. */
  readonly ask?: string;
  readonly form?: Readonly<Record<string, unknown>>;
  /** Human steps: the decision once their time is over. Default: reject. */
  readonly default_decision?: DefaultStepDecision;
  /** Gates: expressions that must all hold. */
  readonly checks?: readonly string[];
  /** Gates: keys of steps whose newest review must be an approval. */
  readonly reviews?: readonly string[];
  /** Waits: a duration, an instant, or the name of an event. */
  readonly for?: string | number;
  readonly until?: string;
  readonly event?: string;
  /** Workflow steps: the name of the child run's workflow, and its inputs. */
  readonly workflow?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** The step that undoes this one. Its key and its place are set when it is needed. */
  readonly compensate?: Step;
  /** The expression without which it is skipped. */
  readonly if?: string;
  /** An expression that gives a list, or the list: one task for each element. */
  readonly for_each?: string | readonly unknown[];
  readonly element?: Element;
  /** Keys of the steps whose results this step's expressions read; absent for a step without expressions. */
  readonly reads?: readonly string[];
  /** Whether they read what else changes while the run goes on. */
  readonly late?: true;
  /** Keys, each once. */
  readonly needs: readonly string[];
  readonly trigger: (typeof TRIGGER_RULES)[number];
  readonly role?: string;
  readonly requires: readonly string[];
  /** Keys of steps: agents that worked on them do not take this one. */
  readonly not_by?: readonly string[];
  /** Keys of steps: an agent that completed one of them has this one reserved. */
  readonly prefer_by?: readonly string[];
  /** The ways of working that it asks for, each number from 0 to 1. */
  readonly cognitive_style?: string;
  readonly creativity?: number;
  readonly analytical_depth?: number;
  readonly collaboration?: number;
  /** The least probability of success, from 0 to 1, that an agent is to have. */
  readonly quality?: number;
  /** Others look at its result before it counts. */
  readonly review?: ReviewPolicy;
  /** Key of the task that this one reviews; no definition can say so. */
  readonly review_of?: string;
  /** Resources that its task takes with its claim. */
  readonly resources?: Requirements;
  /** False: it runs alone in its run. */
  readonly parallelizable?: boolean;
  /** Patterns relative to the project's root, as written. */
  readonly files: { readonly write: readonly string[]; readonly read: readonly string[] };
  /** The step's or its definition's default; absent: that of the run. */
  readonly priority?: Priority;
  readonly deadline?: Deadline;
  readonly estimate_ms?: number;
  /** The part of the run that it belongs to. */
  readonly phase?: string;
  /** The kind of work, for the learner. */
  readonly type?: string;
  readonly retry: RetryPolicy;
  readonly timeouts: Timeouts;
  /** The required shape of the result: for `checkOutput`. */
  readonly output?: OutputSchema;
  /** Acceptance criteria, one each. */
  readonly criteria: readonly string[];
}

/** A workflow in its normal form (spec 05). */
export interface Definition {
  readonly name: string;
  readonly description?: string;
  readonly inputs: Readonly<Record<string, InputDefinition>>;
  /** How many of its tasks may run at once; absent: the project's bound. */
  readonly max_parallel?: number;
  readonly on_failure: OnFailure;
  /** Priority of the run, and default priority of its steps. */
  readonly priority?: Priority;
  readonly deadline?: Deadline;
  readonly steps: readonly Step[];
}

export interface ParseOptions {
  readonly limits: DefinitionLimits;
  /** The name of a definition that has none of its own. */
  readonly name?: string;
  /** Existing tasks of a running run, which the steps may need. */
  readonly around?: readonly StepLinks[];
  /** No text of it is an expression. */
  readonly literal?: true;
}

/** A sound definition: its normal form, and what was handed in, which is what is stored and compared. */
export interface Parsed {
  readonly definition: Definition;
  readonly source: JsonObject;
}

/** Reads a definition from an object, or from a text of YAML or JSON: its normal form, or every problem at once. */
export function parseDefinition(written: string | JsonObject, options: ParseOptions): Parsed | { problems: Problem[] } {
  const read = typeof written === "string" ? readDefinitionText(written) : { value: written };
  if ("problems" in read) return read;
  const parsed = parseSource(read.value, options);
  if (!("problems" in parsed)) return parsed;
  const problems = withStrictestBounds(parsed.problems);
  return { problems: typeof written === "string" ? withLines(problems, written) : problems };
}

function parseSource(source: JsonObject, options: ParseOptions): Parsed | { problems: Problem[] } {
  const problems = new Problems();
  addForbidden(source, problems, options);
  addCountProblem(source, options.limits, problems);
  if (problems.list().some((problem) => problem.limit)) return { problems: problems.list() };
  const head = headSchema.safeParse(source, { error: wordIssue });
  if (!head.success) withoutMissing(zodProblems(head.error), source).forEach((problem) => problems.add(problem));
  const writtenSteps = parseSteps(source, options.limits, problems);
  const links = [...linksOf(source), ...(options.around ?? [])];
  addGraphProblems(links, options.limits, problems);
  addTakerProblems(writtenSteps, links, problems);
  addReviewGateProblems(writtenSteps, links, problems);
  if (!head.success) return { problems: problems.list() };
  const inputsOfHead = head.data.inputs ?? {};
  addInputProblems(inputsOfHead, problems);
  const expressions = options.literal ? [] : writtenSteps;
  const reads = readExpressions({ inputs: inputsOfHead, steps: expressions, links, problems });
  if (problems.count > 0) return { problems: problems.list() };
  const { defaults, steps: _, inputs, $schema: __, ...rest } = head.data;
  const definition: Definition = {
    ...defined({ ...rest, name: rest.name ?? options.name ?? "workflow", on_failure: rest.on_failure ?? "continue" }),
    inputs: normalInputs(inputs ?? {}),
    steps: writtenSteps.map(({ step, compensate }) => ({
      ...withReads(normalStep(step, defaults ?? {}, options.limits), reads.steps),
      ...(compensate && {
        compensate: withReads(normalStep(compensate, defaults ?? {}, options.limits), reads.compensations),
      }),
    })),
  };
  return { definition, source };
}

/** As `parseDefinition`, but throws `BatonError` `invalid_input` or `limit_exceeded` with the problems in `details`. */
export function requireDefinition(written: string | JsonObject, options: ParseOptions): Parsed {
  const parsed = parseDefinition(written, options);
  if ("problems" in parsed) throw problemsError("The definition cannot be used", parsed.problems);
  return parsed;
}

/** The graph of a definition's steps, weighted by how long each is expected to take. */
export function definitionDag(definition: Pick<Definition, "steps">): Dag {
  return buildDag(definition.steps.map((step) => ({ key: step.key, needs: step.needs, weightMs: estimateOf(step) })));
}

/** How long a step is expected to take, in ms: a timer as long as it runs. */
export function estimateOf(step: Pick<Step, "estimate_ms" | "for">): number {
  return step.estimate_ms ?? parseDuration(step.for) ?? DEFAULT_ESTIMATE_MS;
}

/** Milliseconds since the epoch. */
export function deadlineAt(deadline: Deadline, startedAt: number): number {
  return "at" in deadline ? deadline.at : startedAt + deadline.after_ms;
}

function addCountProblem(source: JsonObject, limits: DefinitionLimits, problems: Problems): void {
  const count = Array.isArray(source["steps"]) ? source["steps"].length : 0;
  if (count <= limits.open_tasks_max) return;
  problems.add({ path: "steps", message: `${count} steps, the limit is ${limits.open_tasks_max}`, limit: true });
}

function stepsOf(source: JsonObject): unknown[] {
  return Array.isArray(source["steps"]) ? source["steps"] : [];
}

function parseSteps(source: JsonObject, limits: DefinitionLimits, problems: Problems): PlacedStep[] {
  return stepsOf(source).flatMap((step, index) => {
    const at = `steps[${index}]`;
    if (!isObject(step)) {
      problems.add({ path: at, message: "a step is a map with a key and a prompt: - key: build" });
      return [];
    }
    const checks = { at, limits, problems };
    const parsed = parseStep(step, checks);
    if (parsed === undefined) return [];
    const compensate = parseCompensation(parsed, checks);
    return [{ index, step: parsed, ...(compensate && { compensate }) }];
  });
}

/** Returns the links of each step for the graph checks, also where a step is wrong elsewhere. */
function linksOf(source: JsonObject): StepLinks[] {
  return stepsOf(source).map((step) => {
    const { key, needs, trigger } = isObject(step) ? step : {};
    return {
      key: typeof key === "string" ? key : undefined,
      needs: Array.isArray(needs) ? needs.filter((need) => typeof need === "string") : [],
      trigger,
    };
  });
}

/** Inputs as they are declared, in their normal form. */
export function normalInputs(inputs: Readonly<Record<string, WrittenInput>>): Record<string, InputDefinition> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [
      name,
      { ...defined(input), required: input.required ?? input.default === undefined },
    ]),
  );
}

type WrittenInput = NonNullable<(typeof headSchema)["_zod"]["output"]["inputs"]>[string];

function normalStep(step: WrittenStep, defaults: Defaults, settings: DefinitionLimits): Step {
  const { kind = "agent", title, needs, trigger, files, criteria, timeouts, requires, ...others } = step;
  const { if: condition, compensate: _, retry: __, ...unreviewed } = others;
  const { review, gate_type: ___, ...rest } = { review: undefined, gate_type: undefined, ...unreviewed };
  // Defaults hold for steps of agents: for the other kinds the server chooses the executor.
  const asked: Defaults = kind === "agent" || kind === "plan" ? defaults : {};
  return {
    ...defined(rest),
    kind,
    ...defined({
      if: condition === undefined ? undefined : conditionSource(condition),
      review: review && reviewPolicy(review),
      reviews: reviewsOf(step),
      role: step.role ?? asked.role,
      priority: step.priority ?? defaults.priority,
    }),
    title: title ?? step.key,
    needs: [...new Set(needs)],
    trigger: trigger ?? "all_succeeded",
    requires: [...new Set(requires ?? asked.requires)],
    files: { write: files?.write ?? [], read: files?.read ?? [] },
    criteria: typeof criteria === "string" ? [criteria] : (criteria ?? []),
    retry: retryOf(step, defaults, settings),
    timeouts: {
      start_to_close: settings.task_timeout_ms,
      ...defined(defaults.timeouts ?? {}),
      ...defined(timeouts ?? {}),
    },
  };
}

/** The steps whose reviews a gate wants: those that it names, or else those that it needs. */
function reviewsOf(step: WrittenStep): readonly string[] | undefined {
  if (step.kind !== "gate") return undefined;
  return step.reviews ?? (step.gate_type === undefined ? undefined : [...new Set(step.needs)]);
}

/** A review policy in its normal form. */
export function reviewPolicy({ by, max_rounds, criteria }: WrittenReview): ReviewPolicy {
  const list = typeof criteria === "string" ? [criteria] : criteria;
  return { by, max_rounds: max_rounds ?? REVIEW_ROUNDS, ...(list !== undefined && { criteria: list }) };
}

/**
 * The steps of a child run are retried themselves. The whole child is retried only by its own step's policy: a default for all
 * steps would multiply with each level.
 */
function retryOf({ kind, retry }: WrittenStep, defaults: Defaults, settings: DefinitionLimits): RetryPolicy {
  if (kind === "workflow" && retry === undefined) return { ...DEFAULT_RETRY, max_attempts: 1 };
  return {
    ...DEFAULT_RETRY,
    max_attempts: settings.retry_attempts,
    ...defined(defaults.retry ?? {}),
    ...defined(retry ?? {}),
  };
}

function withReads(step: Step, all: Reads): Step {
  const reads = all.get(step.key);
  return reads === undefined ? step : { ...step, ...reads };
}
