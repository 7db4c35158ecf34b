import { defined } from "../../base/json.js";
import { isDeepStrictEqual } from "node:util";
import { findRunDefinition } from "../../store/runs/runs.js";
import type { RetryPolicy, TaskSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { parseDefinition, type Step } from "../definitions/definition.js";
import { BatonError } from "../../base/errors.js";
import { EvaluationFailed } from "../expressions/expressions.js";
import type { LockedTask } from "../lifecycle/locked-task.js";
import { type InputDefinition, inputProblems } from "../definitions/inputs.js";
import { specOf } from "../steps/instantiate.js";
import { isObject } from "../../base/json.js";
import { problemsError } from "../../base/problems.js";
import { ownProject } from "../projects/projects.js";
import { settingsIn } from "../scheduling/run-modes.js";
import { filledIn, isKnownAtStart, valuesOfRun } from "../steps/values.js";

/** Changes to a task for its next try. */
export interface ReplayChanges {
  readonly prompt?: string | undefined;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  readonly agent?: string | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
}

/**
 * Returns a task's spec with changes. With other inputs its texts are filled in anew when it begins, unless they have
 * been changed by hand since. Errors: `invalid_input` for inputs that are not what the run declares, `limit_exceeded`.
 */
export function* changedSpec(ctx: EngineContext, locked: LockedTask, changes: ReplayChanges): Tx<TaskSpec> {
  const written = changes.inputs === undefined ? undefined : yield* writtenStep(ctx, locked, changes.inputs);
  const spec = withChanges(written ?? locked.spec, changes);
  const bytes = Buffer.byteLength(JSON.stringify({ prompt: spec.prompt, inputs: spec.inputs }));
  const max = ctx.settings.payload_bytes_max;
  if (bytes <= max) return spec;
  const message = `The prompt and the inputs take ${bytes} bytes; at most ${max} fit: put large texts into files. Nothing was changed.`;
  throw new BatonError("limit_exceeded", message, { details: { bytes, max } });
}

/** A changed prompt is text as it stands: nothing in it is filled in. */
function withChanges(spec: TaskSpec, { prompt, inputs, retry }: ReplayChanges): TaskSpec {
  const { dynamic, ...rest } = spec;
  const step = dynamic && {
    ...dynamic.step,
    ...(prompt === undefined ? {} : { prompt: `\${{ ${JSON.stringify(prompt)} }}` }),
    ...(retry === undefined ? {} : { retry: { ...spec.retry, ...retry } }),
  };
  return {
    ...rest,
    ...(prompt === undefined ? {} : { prompt }),
    ...(inputs === undefined ? {} : { inputs: { ...spec.inputs, ...inputs } }),
    retry: { ...spec.retry, ...retry },
    ...(dynamic && step ? { dynamic: { ...dynamic, step } } : {}),
  };
}

/**
 * The spec of a task whose texts were filled in when its run started, with its step as the definition has it, to be filled in again.
 * Undefined where it has that already, has no expressions, or is no longer what the definition says. Errors: `invalid_input`.
 */
function* writtenStep(
  ctx: EngineContext,
  { task, spec, run }: LockedTask,
  given: Readonly<Record<string, unknown>>,
): Tx<TaskSpec | undefined> {
  const { inputs, defaults, steps } = (yield* findRunDefinition(run.id)) ?? {};
  const declared = parseDefinition(
    { name: run.name, ...defined({ inputs }), steps: [NO_STEP] },
    { limits: ctx.settings },
  );
  if (!("problems" in declared)) requireFitting(declared.definition.inputs, given);
  const own: unknown = Array.isArray(steps) ? steps.find((step) => isObject(step) && step["key"] === task.key) : [];
  if (!isObject(own) || spec.dynamic !== undefined) return undefined;
  const parsed = parseDefinition(
    // Its dependencies are other steps, of which it reads nothing if its texts were filled in at the start.
    { name: run.name, ...defined({ inputs, defaults }), steps: [{ ...own, needs: [] }] },
    { limits: settingsIn(run.mode, ctx.settings) },
  );
  const [step] = "problems" in parsed ? [] : parsed.definition.steps;
  if (step === undefined || !isKnownAtStart(step)) return undefined;
  const values = valuesOfRun(ctx, run, yield* ownProject(task));
  if (!isStill(spec, step, values)) return undefined;
  return { ...spec, dynamic: { step: { ...step }, reads: [] } };
}

/** For a definition of which only the inputs are asked. */
const NO_STEP = { key: "none", prompt: "none" };

function requireFitting(
  declared: Readonly<Record<string, InputDefinition>>,
  given: Readonly<Record<string, unknown>>,
): void {
  const problems = inputProblems(declared, given);
  if (problems.length > 0) throw problemsError("The inputs do not fit", problems);
}

/** Whether a task is as its step made it: tries and inputs aside. */
function isStill(spec: TaskSpec, step: Step, values: ReturnType<typeof valuesOfRun>): boolean {
  try {
    return isDeepStrictEqual(textsOf(specOf(filledIn(step, values))), textsOf(spec));
  } catch (error) {
    if (error instanceof EvaluationFailed) return false;
    throw error;
  }
}

function textsOf(spec: TaskSpec): unknown {
  // As it was stored: what is undefined is not there.
  return JSON.parse(JSON.stringify({ ...spec, inputs: undefined, retry: undefined, timeouts: undefined }));
}
