import { addDependents } from "../store/task-begin.js";
import { findTasksByKeys, replaceDependency } from "../store/task-lists.js";
import type { Run } from "../store/runs.js";
import { dependentsOf } from "../store/task-changes.js";
import type { Task } from "../store/tasks.js";
import type { Tx } from "../store/tx.js";
import type { EngineContext } from "./context.js";
import { type Definition, parseDefinition } from "./definition.js";
import { BatonError } from "./errors.js";
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

/**
 * The steps of a plan: the result of a plan task, or its `steps`. Errors: `invalid_input` with every problem, `limit_exceeded`; the task
 * is still its holder's then.
 */
export function* requirePlan(ctx: EngineContext, held: Locked, result: unknown): Tx<Definition> {
  const { task, run } = held;
  const steps: unknown = Array.isArray(result) ? result : isObject(result) ? result["steps"] : undefined;
  if (!Array.isArray(steps)) {
    const message = `The result of a plan is its steps: {"steps":[{"key":"a","prompt":"…"},{"key":"b","prompt":"…","needs":["a"]}]}. The task is still yours.`;
    throw new BatonError("invalid_input", message, {
      details: { task: task.id },
      next: [{ tool: "complete_task", arguments: { task: task.id, token: task.token, result: { steps: [] } } }],
    });
  }
  const parsed = parseDefinition({ name: run.name, steps }, { limits: settingsIn(run.mode, ctx.settings) });
  if ("problems" in parsed) throw refused(task, parsed.problems);
  const { definition } = parsed;
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
  throw refused(task, problems);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function refused(task: Task, problems: readonly Problem[]): BatonError {
  const error = problemsError("The plan cannot be carried out", problems);
  return new BatonError(error.code, `${error.message} The task is still yours: mend the plan and complete it again.`, {
    details: { ...error.details, task: task.id },
    retry: "never",
    next: [{ tool: "complete_task", arguments: { task: task.id, token: task.token } }],
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
