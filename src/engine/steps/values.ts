import { TITLE_CHARS_MAX } from "../../base/limits.js";
import { outcomesByKey } from "../../store/tasks/server-steps.js";
import type { EngineContext } from "../context.js";
import type { Project } from "../projects/projects.js";
import type { Run } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import type { Step } from "../definitions/definition.js";
import { EvaluationTime } from "../expressions/time-limit.js";
import { ValueBytes } from "../expressions/value-bytes.js";
import { BYTES, EvaluationFailed, TIME, type Values } from "../expressions/expressions.js";
import type { BudgetValues } from "./budget-values.js";
import { mayHaveResultsOfElements, resultsOfElements } from "./elements.js";
import { startOf } from "../../base/texts/stored-values.js";
import { iso } from "../../base/time.js";
import { shellTemplate } from "../expressions/shell.js";
import { artifactRead } from "../expressions/names.js";
import { artifactValue } from "./artifact-values.js";
import { fillIn, fillInAll, fillInText, textOf } from "../expressions/interpolation.js";

/** Kinds of step that no agent claims: the server does them itself. */
const SERVER_KINDS: ReadonlySet<Step["kind"]> = new Set(["human", "gate", "wait", "workflow"]);

export function isServerKind(kind: Step["kind"]): boolean {
  return SERVER_KINDS.has(kind);
}

/** Whether what a step is can be known only when its dependencies have ended. */
export function isDynamic(step: Step): boolean {
  return step.reads !== undefined || isServerKind(step.kind) || choosesTaker(step);
}

/** Whether who may take it, or is to have it first, depends on who worked on other steps. */
export function choosesTaker({ not_by: notBy = [], prefer_by: preferBy = [] }: Step): boolean {
  return notBy.length + preferBy.length > 0;
}

/** Whether its expressions read nothing that a run does not know when it starts. */
export function isKnownAtStart(step: Step): boolean {
  return (
    step.reads?.length === 0 &&
    step.late !== true &&
    step.if === undefined &&
    step.for_each === undefined &&
    !isServerKind(step.kind)
  );
}

/** Returns the values expressions read, except those of steps and others that change while the run goes on. */
export function valuesOfRun(
  { settings }: Pick<EngineContext, "settings">,
  run: Pick<Run, "id" | "name" | "inputs" | "createdAt">,
  project: Project,
) {
  return {
    inputs: run.inputs,
    run: { id: run.id, name: run.name, created_at: iso(run.createdAt) },
    project: { id: project.id, name: project.name, root: project.root },
    steps: {},
    artifact: {},
    [TIME]: new EvaluationTime(),
    [BYTES]: new ValueBytes(settings.payload_bytes_max),
  } satisfies Values;
}

interface ValuesOrigin {
  readonly ctx: EngineContext;
  readonly run: Run;
  readonly evaluationTime: EvaluationTime;
}

/**
 * Values that the expressions of a run's steps read, each step's outcome read once however many ask for it. For one
 * wave of activation.
 */
export class StepValues {
  readonly #known: Values;
  readonly #run: Run;
  readonly #outcomes = new Map<string, unknown>();

  readonly #bytesMax: number;

  constructor({ ctx, run, evaluationTime }: ValuesOrigin, project: Project, budget: BudgetValues) {
    this.#run = run;
    this.#bytesMax = ctx.settings.payload_bytes_max;
    const known = valuesOfRun(ctx, run, project);
    this.#known = { ...known, run: { ...known.run, budget }, [TIME]: evaluationTime };
  }

  /** With what these steps have come to, and the inputs of one task beside those of the run. */
  *with(reads: readonly string[], inputs: Readonly<Record<string, unknown>> = {}): Tx<Values> {
    const artifacts = yield* this.#artifactsOf(reads);
    const ofSteps = reads.filter((read) => artifactRead(read) === undefined);
    const unknown = ofSteps.filter((key) => !this.#outcomes.has(key));
    for (const { task, key, status, result, error } of yield* outcomesByKey(this.#run.id, unknown)) {
      const own = result !== null || !mayHaveResultsOfElements(status);
      const output = own ? result : ((yield* resultsOfElements(task, this.#bytesMax)) ?? null);
      this.#outcomes.set(key, { status, output, error });
    }
    const steps = Object.fromEntries(ofSteps.map((key) => [key, this.#outcomes.get(key)]));
    return { ...this.#known, inputs: { ...this.#run.inputs, ...inputs }, steps, artifact: artifacts };
  }

  *#artifactsOf(reads: readonly string[]): Tx<Record<string, unknown>> {
    const found: Record<string, unknown> = {};
    for (const name of reads.flatMap((read) => artifactRead(read) ?? []))
      found[name] = yield* artifactValue(this.#run.id, name);
    return found;
  }
}

/**
 * A step with the values of its expressions in their places, which together take no more than one result may. Throws
 * `EvaluationFailed` alone.
 */
export function filledIn(step: Step, given: Values): Step {
  const bound = given[BYTES];
  const values: Values =
    bound === undefined ? given : { ...given, [BYTES]: new ValueBytes(bound.max, { shared: true }) };
  const { reads: _, late: _____, if: __, for_each: ___, element: ____, ...rest } = step;
  const text = (written: string): string => fillInText(written, values);
  const command = step.run === undefined ? {} : filledCommand(step.run, values);
  return {
    ...rest,
    title: startOf(text(step.title), TITLE_CHARS_MAX),
    ...(step.prompt === undefined ? {} : { prompt: text(step.prompt) }),
    ...(step.ask === undefined ? {} : { ask: text(step.ask) }),
    criteria: step.criteria.map(text),
    files: { write: filledPaths(step.files.write, values), read: filledPaths(step.files.read, values) },
    ...(step.env === undefined
      ? {}
      : { env: Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, text(value)])) }),
    ...(step.arguments === undefined ? {} : { arguments: filledArguments(step.arguments, values) }),
    ...(step.inputs === undefined ? {} : { inputs: filledArguments(step.inputs, values) }),
    ...command,
  };
}

/** A pattern whose value is a list stands for all of them. */
function filledPaths(patterns: readonly string[], values: Values): string[] {
  return patterns.flatMap((pattern) => {
    const value = fillIn(pattern, values);
    const list: unknown[] = Array.isArray(value) ? value : [value];
    return list.map((path) => {
      if (typeof path === "string" && path !== "") return path;
      throw new EvaluationFailed(pattern, `must be a path or a list of paths, and is ${textOf(path) || "empty"}`);
    });
  });
}

/** Values keep their types, and are data wherever they end up: no text of theirs is read as an expression again. */
function filledArguments(written: Readonly<Record<string, unknown>>, values: Values): Record<string, unknown> {
  return Object.fromEntries(Object.entries(written).map(([name, value]) => [name, fillInAll(value, values)]));
}

function filledCommand(run: string, values: Values): Pick<Step, "run" | "values"> {
  const shell = shellTemplate(run);
  if ("misplaced" in shell) throw new EvaluationFailed(run, `an expression ${shell.misplaced}`);
  const entries = Object.entries(shell.variables).map(([name, template]): [string, string] => [
    name,
    fillInText(template, values),
  ]);
  return entries.length === 0 ? { run } : { run: shell.run, values: Object.fromEntries(entries) };
}
