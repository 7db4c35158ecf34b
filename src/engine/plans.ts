import { findRunDefinition } from "../store/modifications.js";
import { addDependents } from "../store/task-begin.js";
import { findTasksByKeys, replaceDependency } from "../store/task-lists.js";
import type { Run } from "../store/runs.js";
import { dependentsOf } from "../store/task-changes.js";
import type { Task } from "../store/tasks.js";
import type { Tx } from "../store/tx.js";
import { fileProblems } from "./analysis.js";
import type { EngineContext } from "./context.js";
import { type Definition, parseDefinition } from "./definition.js";
import type { JsonObject } from "./definition-text.js";
import { BatonError, type NextCall } from "./errors.js";
import { planOf } from "./executions.js";
import type { Locked } from "./holding.js";
import { instantiate } from "./instantiate.js";
import { type Problem, problemsError } from "./problems.js";
import { ownProject } from "./projects.js";
import { requireRoom } from "./room.js";
import type { RunChange } from "./run-change.js";
import { settingsIn } from "./run-modes.js";
import { moveRun } from "./run-moves.js";
import { valuesOfRun } from "./step-values.js";

// The result of a plan task is a list of steps. They come behind it, and what hung on it hangs on them from then on.

/** A result that is to be a plan. */
export interface PlanGiven {
  readonly result: unknown;
  /** How whoever gave it goes on where it is refused. */
  readonly again: { readonly said: string; readonly next: NextCall };
}

/** Whoever holds a plan task, and completes it. */
export function planCompleted({ task }: Locked, result: unknown): PlanGiven {
  const next = { tool: "complete_task", arguments: { task: task.id, token: task.token, result: EXAMPLE } };
  return { result, again: { said: "The task is still yours: mend the plan and complete it again.", next } };
}

/** What stands in a call for the plan that the caller is to write. */
export const EXAMPLE = { steps: [{ key: "a", prompt: "…" }] };

/**
 * The steps of a plan: the result of a plan task, or its `steps`, which read the inputs and take the defaults of their run. Errors:
 * `invalid_input` with every problem, `limit_exceeded`; nothing has changed then.
 */
export function* requirePlan(ctx: EngineContext, { task, run }: Locked, given: PlanGiven): Tx<Definition> {
  const { result, again } = given;
  const written: unknown = Array.isArray(result) ? result : isObject(result) ? result["steps"] : undefined;
  if (!Array.isArray(written)) {
    const instead = typeof result === "string" ? ", an object and no text" : "";
    const message = `The result of a plan is its steps${instead}: {"steps":[{"key":"a","prompt":"…"},{"key":"b","prompt":"…","needs":["a"]}]}. ${again.said}`;
    throw new BatonError("invalid_input", message, { details: { task: task.id }, next: [again.next] });
  }
  const { inputs, defaults } = (yield* findRunDefinition(run.id)) ?? {};
  const source: JsonObject = {
    name: run.name,
    ...(inputs === undefined ? {} : { inputs }),
    ...(defaults === undefined ? {} : { defaults }),
    steps: written,
  };
  const parsed = parseDefinition(source, { limits: settingsIn(run.mode, ctx.settings) });
  if ("problems" in parsed) throw refused(task, parsed.problems, again);
  const { definition } = parsed;
  const outside = fileProblems(definition, yield* ownProject(task));
  if (outside.length > 0) throw refused(task, outside, again);
  const taken = yield* findTasksByKeys(
    run.id,
    definition.steps.map(({ key }) => key),
  );
  if (taken.length === 0) return definition;
  const problems = taken.map(({ key }) => ({
    path: "steps",
    step: key,
    message: "the run has a task of this key already",
  }));
  throw refused(task, problems, again);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function refused(task: Task, problems: readonly Problem[], { said, next }: PlanGiven["again"]): BatonError {
  const error = problemsError("The plan cannot be carried out", problems);
  return new BatonError(error.code, `${error.message} ${said}`, {
    details: { ...error.details, task: task.id },
    retry: "never",
    next: [next],
  });
}

/**
 * Makes tasks of the steps of a plan that has been completed, and gives the plan's task as it is then. What waited for it waits for the
 * last of them instead; those that need no other become ready when it is settled.
 */
export function* expandPlan(change: RunChange, plan: Task, definition: Definition): Tx<Task> {
  const { ctx, run } = change;
  yield* requireRoom(change, definition.steps.length);
  const project = yield* ownProject(plan);
  const behind = yield* dependentsOf(plan.id);
  // What is behind the plan is behind each of its steps too.
  const rest = Math.max(0, -plan.rankOrder - plan.estimateMs);
  const planned = planOf(ctx, { definition }, valuesOfRun(run, project)).map((step) => ({
    ...step,
    dependencies: step.dependencies.length === 0 ? [plan.id] : step.dependencies,
    dependents: step.dependents === 0 ? behind.length : step.dependents,
    upwardRankMs: step.upwardRankMs + rest,
  }));
  const tasks = yield* instantiate(ctx, { project, run, planned });
  for (const task of tasks) change.add(task);
  const needed = new Set(definition.steps.flatMap(({ needs }) => needs));
  const last = tasks.filter(({ key }) => !needed.has(key)).map(({ id }) => id);
  yield* replaceDependency({ task: plan.id, by: last, behind: behind.map(({ id }) => id) });
  const roots = planned.filter(({ dependencies }) => dependencies.includes(plan.id)).length;
  yield* addDependents([plan.id], roots - behind.length);
  change.record({ type: "run.planned", task: plan.id, agent: null, data: { key: plan.key, steps: tasks.length } });
  return { ...plan, dependents: roots };
}

/** A run whose plan is there goes on as any other. */
export function* leavePlanning(run: Run): Tx<Run> {
  return run.status === "planning" ? yield* moveRun(run, { event: "plan", reason: run.reason }) : run;
}
