import { startOf } from "../../base/texts/stored-values.js";
import { addDependents, saveSpec, waitForElements } from "../../store/tasks/server-steps.js";
import { dependenciesOf } from "../../store/tasks/transitions.js";
import type { Task, TaskSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { bareSource } from "../definitions/expression-checks.js";
import type { Element, Step } from "../definitions/definition.js";
import { FOR_EACH_MAX } from "../definitions/schema.js";
import { BatonError } from "../../base/errors.js";
import { isObject } from "../../base/json.js";
import { evaluate, EvaluationFailed, type Values } from "../expressions/expressions.js";
import { instantiate } from "../steps/instantiate.js";
import type { Project } from "../projects/projects.js";
import { requireCapacity, type RunChange } from "./run-change.js";
import { elementResults } from "../steps/elements.js";
import { choosesTaker, filledIn, isServerKind } from "../steps/values.js";
import { fillInAll } from "../expressions/interpolation.js";

// A step with for_each becomes one task for each element of its list. The element tasks take over its dependencies; its own task
// depends on them from then on, and ends after them with the list of their results.

export interface Spreading {
  readonly task: Task;
  readonly step: Step;
  readonly spec: TaskSpec;
  readonly values: Values;
  readonly project: Project;
}

/** Adds the tasks of the elements and returns them: pending ones are activated next. Throws `EvaluationFailed` where the value is not a list. */
export function* spreadElements(change: RunChange, { task, step, spec, values, project }: Spreading): Tx<Task[]> {
  const { ctx, run } = change;
  const list = elementsBehind(step, values);
  if (list.length === 0) return [];
  yield* requireCapacity(change, list.length);
  const needed = yield* dependenciesOf(task.id);
  const steps = list.map((item, index) => elementStep(step, values, { item, index }));
  const tasks = yield* instantiate(ctx, {
    project,
    run,
    author: task.author,
    planned: steps.map((one, index) => ({
      step: { ...one, key: elementKey(task.key, index) },
      id: ctx.newId("task"),
      dependencies: needed.map(({ id }) => id),
      dependents: 1,
      upwardRankMs: -task.rankOrder,
      settled: { succeeded: task.depsSucceeded, failed: task.depsFailed, skipped: task.depsSkipped },
    })),
  });
  yield* addDependents(
    needed.map(({ id }) => id),
    list.length - 1,
  );
  yield* waitForElements(
    task.id,
    tasks.map(({ id }) => id),
  );
  if (spec.dynamic) yield* saveSpec(task.id, { ...spec, dynamic: { ...spec.dynamic, elements: list.length } });
  for (const one of tasks) change.add(one);
  change.recordTask(task, "task.spread", { elements: list.length });
  return tasks;
}

/** The key of an element's task, such as `module[0]`, which no step can have. */
export function elementKey(key: string, index: number): string {
  return `${elementPrefix(key)}${index}]`;
}

/** The beginning of the keys of a step's elements. */
export function elementPrefix(key: string): string {
  return `${key}[`;
}

/** The step of one element. Steps of the server are filled in when they are activated, all others now. */
function elementStep(step: Step, values: Values, element: Element): Step {
  const { for_each: _, if: __, compensate, ...others } = step;
  const rest = { ...others, ...(compensate && { compensate: { ...compensate, element } }) };
  const later = isServerKind(step.kind) || choosesTaker(step);
  return later ? { ...rest, element } : filledIn(rest, { ...values, ...element });
}

/** The list of a step. One that reads a skipped step, which its trigger lets pass, has no elements where that leaves no list. */
function elementsBehind(step: Step, values: Values): readonly unknown[] {
  try {
    return elementsOf(step.for_each, values);
  } catch (error) {
    if (error instanceof EvaluationFailed && readsSkipped(step, values)) return [];
    throw error;
  }
}

function readsSkipped({ for_each, reads = [] }: Step, { steps }: Values): boolean {
  const written = JSON.stringify(for_each);
  return reads.some((key) => {
    const status = isObject(steps) && isObject(steps[key]) ? steps[key]["status"] : undefined;
    return (status === "skipped" || status === "cancelled") && written.includes(key);
  });
}

function elementsOf(written: Step["for_each"], values: Values): readonly unknown[] {
  const value = typeof written === "string" ? evaluate(bareSource(written), values) : fillInAll(written, values);
  const shown = typeof written === "string" ? written : "for_each";
  if (!Array.isArray(value))
    throw new EvaluationFailed(shown, `must be a list, and is ${startOf(JSON.stringify(value), 100)}`);
  if (value.length <= FOR_EACH_MAX) return value;
  throw new BatonError("limit_exceeded", `for_each has ${value.length} elements; at most ${FOR_EACH_MAX} fit.`);
}

/** The results of the elements in their order, null for one that gave none; their number and size where they exceed the limit of a result. */
export function* gatherElements(ctx: EngineContext, task: string): Tx<unknown> {
  return yield* elementResults(task, ctx.settings.payload_bytes_max);
}
