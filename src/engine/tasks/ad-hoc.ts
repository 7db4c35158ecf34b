import type { TriggerRule } from "../../base/statuses.js";
import { countDependents, findTasksByKeys, findTasksByTitle, keysOfRun } from "../../store/tasks/lists.js";
import { findTask, type Task } from "../../store/tasks/tasks.js";
import { lockRun } from "../../store/lock-order.js";
import type { Run } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { estimateOf, parseDefinition, type Step } from "../definitions/definition.js";
import { defined, type JsonObject } from "../../base/json.js";
import { BatonError } from "../../base/errors.js";
import { finishedRun, takesWork } from "../lifecycle/run-state.js";
import { instantiate } from "../steps/instantiate.js";
import { hint } from "../../base/names.js";
import { type Problem, problemsError } from "../../base/problems.js";
import type { Project } from "../projects/projects.js";
import { type ChangedRun, RunChange, requireCapacity } from "../lifecycle/run-change.js";
import { settledAmong, settleWaiting } from "../lifecycle/dependents.js";
import { noteAdditions } from "../steps/additions.js";
import { raiseRanks } from "./ranks.js";

/** A task outside any workflow. */
export interface AdHoc {
  readonly project: Project;
  readonly run: Run;
  readonly step: Step;
  /** Ids or step keys of tasks of the same run. */
  readonly dependencies: readonly string[];
  readonly agent: string;
}

/** Fields that name, or judge, other tasks of the run. */
interface FieldsOfRun {
  readonly trigger?: TriggerRule | undefined;
  readonly not_by?: readonly string[] | undefined;
  readonly prefer_by?: readonly string[] | undefined;
}

/**
 * A step from the fields of a call, held to the same rules as a step of a definition, but for its texts: there is nothing that they could
 * refer to, so a `${{` in them is one. Throws `invalid_input`.
 */
export function stepFrom(ctx: EngineContext, fields: JsonObject & FieldsOfRun): Step {
  // The task's dependencies stand beside the step, which alone has no others for a trigger to judge, or to be told apart from.
  const { trigger, not_by, prefer_by, ...alone } = fields;
  const parsed = parseDefinition({ name: "task", steps: [alone] }, { limits: ctx.settings, literal: true });
  if ("problems" in parsed) throw problemsError("The task cannot be made", parsed.problems.map(ofTask));
  const step = parsed.definition.steps[0];
  if (!step) throw new Error("a definition of one step has one step");
  return { ...step, ...defined({ trigger, not_by, prefer_by }) };
}

/** The caller wrote a task, not a definition with one step: `steps[0].retry` is its `retry`. */
function ofTask(problem: Problem): Problem {
  const { step: _step, ...rest } = problem;
  return { ...rest, path: problem.path.replace(/^steps\[0\]\.?/, "") };
}

/**
 * Adds a task to a run that is under way. Errors: `invalid_transition` for a run that has ended, `not_found` for a dependency that is not
 * in it, `conflict` for a key that is taken, `limit_exceeded` when the run is full.
 */
export function* addTask(ctx: EngineContext, adHoc: AdHoc): Tx<ChangedRun & { task: Task }> {
  const run = (yield* lockRun(adHoc.run.id)) ?? adHoc.run;
  if (!takesWork(run)) throw finishedRun(run);
  const change = new RunChange(ctx, run);
  yield* requireCapacity(change, 1);
  yield* requireFreeKey(run, adHoc.step.key);
  const needed = yield* dependenciesIn(run, adHoc);
  requireTriggerToHold(adHoc.step, needed);
  for (const key of [...(adHoc.step.not_by ?? []), ...(adHoc.step.prefer_by ?? [])]) yield* requireTaskOfKey(run, key);
  const id = ctx.newId("task");
  const tasks = yield* instantiate(ctx, {
    project: adHoc.project,
    run,
    author: adHoc.agent,
    planned: [
      {
        step: adHoc.step,
        id,
        dependencies: needed.map((task) => task.id),
        dependents: 0,
        upwardRankMs: estimateOf(adHoc.step),
        settled: settledAmong(needed),
      },
    ],
  });
  const [task] = tasks;
  if (!task) throw new Error("one step makes one task");
  yield* countDependents(needed.map((needs) => needs.id));
  yield* noteAdditions(ctx, { run, agent: adHoc.agent, tasks: [id] });
  change.add(task);
  change.recordTask({ ...task, agent: adHoc.agent }, "task.created", { title: task.title });
  if (task.status === "ready") change.recordTask(task, "task.ready");
  yield* raiseRanks(change, needed, estimateOf(adHoc.step));
  // A dependency may have ended already in a way that settles the task at once.
  yield* settleWaiting(change, [task]);
  const changed = yield* change.flush();
  return { task: (yield* findTask(id)) ?? task, ...changed };
}

function requireTriggerToHold({ trigger }: Step, needed: readonly Task[]): void {
  if (needed.length > 0 || (trigger !== "one_succeeded" && trigger !== "one_failed")) return;
  throw new BatonError("invalid_input", `trigger: "${trigger}" can never hold for a task without dependencies.`, {
    details: { trigger },
  });
}

function* requireFreeKey(run: Run, key: string): Tx<void> {
  const [taken] = yield* findTasksByKeys(run.id, [key]);
  if (!taken) return;
  throw new BatonError("conflict", `Run ${run.id} has a task "${key}" already (${taken.id}, ${taken.status}).`, {
    details: { run: run.id, key, task: taken.id },
    next: [{ tool: "get_task", arguments: { task: taken.id } }],
  });
}

function* dependenciesIn(run: Run, { dependencies: references, step }: AdHoc): Tx<Task[]> {
  const found = new Map<string, Task>();
  for (const reference of references) {
    const byId = yield* findTask(reference);
    const [task] = byId ? [byId] : yield* tasksCalled(run, reference);
    if (!task) throw yield* noSuchDependency(run, reference);
    if (task.run !== run.id) {
      const message = `Task ${task.id} belongs to run ${task.run}, not to ${nameOf(run)}: a task depends on tasks of its own run.`;
      const within = { run: task.run, title: step.title, prompt: "…", dependencies: references };
      throw new BatonError("invalid_input", message, {
        details: { dependency: task.id, run: task.run },
        next: [{ tool: "create_task", arguments: within }],
      });
    }
    found.set(task.id, task);
  }
  return [...found.values()];
}

/** The task of a key or, where no key is so, of a title. Errors: `invalid_input` for a title that several have. */
function* tasksCalled(run: Run, reference: string): Tx<Task[]> {
  const byKey = yield* findTasksByKeys(run.id, [reference]);
  if (byKey.length > 0) return byKey;
  const titled = yield* findTasksByTitle(run.id, reference, 2);
  if (titled.length < 2) return titled;
  const ids = titled.map(({ id }) => id);
  const message = `Run ${run.id} has two tasks titled "${reference}": name the one meant by its id, such as ${ids.join(" or ")}.`;
  throw new BatonError("invalid_input", message, { details: { run: run.id, dependency: reference, tasks: ids } });
}

function* requireTaskOfKey(run: Run, key: string): Tx<void> {
  if ((yield* findTasksByKeys(run.id, [key])).length === 0)
    throw yield* noSuchDependency(run, key, "to choose its agent by");
}

function* noSuchDependency(run: Run, reference: string, what = "to depend on"): Tx<BatonError> {
  const keys = yield* keysOfRun(run.id);
  const message = `There is no task "${reference}" ${what} in ${nameOf(run)}${hint(reference, keys)}.`;
  return new BatonError("not_found", message, {
    details: { ...(run.kind === "standing" ? {} : { run: run.id }), dependency: reference },
    next: [{ tool: "list_tasks", arguments: run.kind === "standing" ? {} : { run: run.id } }],
  });
}

/** The standing run may be made by the very call that is refused, and has no id then. */
function nameOf(run: Run): string {
  return run.kind === "standing" ? "the project's ad-hoc tasks" : `run ${run.id}`;
}
