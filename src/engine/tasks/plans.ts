import { addDependents } from "../../store/tasks/server-steps.js";
import { findRunDefinition, type Run } from "../../store/runs/runs.js";
import { graphOfRun, replaceDependency } from "../../store/tasks/lists.js";
import { dependentsOf } from "../../store/tasks/transitions.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { fileProblems } from "../definitions/analysis.js";
import type { EngineContext } from "../context.js";
import { type Definition, definitionDag, parseDefinition } from "../definitions/definition.js";
import { requireRun, requireTask } from "../lookup.js";
import { BatonError } from "../../base/errors.js";
import { withLearnedEstimates } from "../steps/learned-estimates.js";
import { planOf } from "../steps/plan.js";
import type { LockedTask } from "../lifecycle/locked-task.js";
import { instantiate, type StepDraft } from "../steps/instantiate.js";
import { draftSteps } from "../steps/run-draft.js";
import { defined, isObject } from "../../base/json.js";
import { type Problem, problemsError } from "../../base/problems.js";
import { ownProject, type Project, spaceOnDisk } from "../projects/projects.js";
import { requireCapacity, type RunChange } from "../lifecycle/run-change.js";
import { RunGraph, type Vertex } from "../graph/run-graph.js";
import { settingsIn } from "../scheduling/run-modes.js";
import { moveRun } from "../lifecycle/run-state.js";
import { settledAmong } from "../lifecycle/dependents.js";
import type { GivenResult } from "../steps/output.js";
import { valuesOfRun } from "../steps/values.js";

// The result of a plan task is a list of steps. They come behind it, and what hung on it hangs on them from then on.

/** A plan, with its reading where that was made before the transaction. */
export interface GivenPlan extends GivenResult {
  readonly reading?: PlanReading | undefined;
}

/** Checks the plan with which the holder of a plan task completes it. */
export function planCompleted({ task }: LockedTask, result: unknown): GivenResult {
  const next = { tool: "complete_task", arguments: { task: task.id, token: task.token, result: PLAN_EXAMPLE } };
  return { result, again: { said: "The task is still yours: mend the plan and complete it again.", next } };
}

/** An example of a plan, for a planner to copy. */
export const PLAN_EXAMPLE = {
  steps: [
    { key: "a", prompt: "…" },
    { key: "b", prompt: "…", needs: ["a"] },
  ],
} as const;

/** The steps of a plan, and the tasks from before the plan that they name in `needs`. */
export interface Plan {
  readonly definition: Definition;
  readonly earlier: readonly Task[];
  readonly drafts: PlanReading["drafts"];
}

interface AuthoredPlan extends Plan {
  readonly author: string | null;
}

/** The steps of a plan as they were read, with everything else that their reading depends on, as text. */
export interface PlanReading {
  readonly steps: readonly unknown[];
  readonly among: string;
  readonly project: Project;
  readonly read: ReturnType<typeof parseDefinition>;
  /** By key, if the reading was made before the transaction and the project can take every path. */
  readonly drafts?: ReadonlyMap<string, StepDraft>;
}

/** Reads and drafts the steps of a plan before the transaction that completes its task; undefined where that is no plan's. */
export function* preparePlan(
  ctx: EngineContext,
  { task: reference, steps }: { readonly task: string; readonly steps: readonly unknown[] },
): Tx<PlanReading | undefined> {
  const { task } = yield* requireTask(reference);
  if (task.kind !== "plan") return undefined;
  const { tasks, edges } = yield* graphOfRun(task.run);
  const place = { task, run: yield* requireRun(task.run), before: beforePlan(new RunGraph(tasks, edges), task, steps) };
  const reading = yield* readPlan(ctx, place, { steps });
  const { read, project } = reading;
  if ("problems" in read || fileProblems(read.definition, spaceOnDisk(ctx, project)).length > 0) return reading;
  const definition = { ...read.definition, steps: yield* withLearnedEstimates(ctx, read.definition.steps) };
  return { ...reading, read: { ...read, definition }, drafts: draftSteps(ctx, project, definition) };
}

/** The list of steps in a plan's result, if there is one. */
export function stepsOfPlan(result: unknown): readonly unknown[] | undefined {
  const steps: unknown = Array.isArray(result) ? result : isObject(result) ? result["steps"] : undefined;
  return Array.isArray(steps) ? steps : undefined;
}

/**
 * The steps of a plan: the result of a plan task, or its `steps`. They are read as steps of the run: with its inputs and defaults, and
 * with what came before the plan to need and to read. Errors: `invalid_input` with every problem, `limit_exceeded`; nothing has
 * changed then.
 */
export function* requirePlan(
  ctx: EngineContext,
  { task, run }: LockedTask,
  { result, again, reading: known }: GivenPlan,
): Tx<Plan> {
  const steps = stepsOfPlan(result);
  if (steps === undefined) {
    const instead = typeof result === "string" ? ", an object and no text" : "";
    const message = `The result of a plan is its steps${instead}: ${JSON.stringify(PLAN_EXAMPLE)}. ${again.said}`;
    throw new BatonError("invalid_input", message, { details: { task: task.id }, next: [again.next] });
  }
  const { tasks, edges } = yield* graphOfRun(run.id);
  const graph = new RunGraph(tasks, edges);
  const problems = [...ofTheRun(result), ...takenKeys(graph, steps)];
  const before = beforePlan(graph, task, steps);
  const { read: parsed, project, drafts } = yield* readPlan(ctx, { task, run, before }, { steps, known });
  if ("problems" in parsed) throw refused(task, [...problems, ...parsed.problems], again);
  const { definition } = parsed;
  problems.push(...countingThePlan(definition), ...(drafts ? [] : fileProblems(definition, spaceOnDisk(ctx, project))));
  if (problems.length > 0) throw refused(task, problems, again);
  const needed = new Set(definition.steps.flatMap(({ needs }) => needs));
  const earlier = before.flatMap((one) => (one.task && needed.has(one.key) ? [one.task] : []));
  return { definition, earlier, drafts };
}

/** The steps before a plan, which its own steps may need and read. */
function beforePlan(graph: RunGraph, task: Task, steps: readonly unknown[]): Vertex[] {
  const planned = new Set(steps.map(keyOf));
  return graph.allBefore(task.key).filter(({ key }) => !planned.has(key));
}

interface PlaceOfPlan {
  readonly task: Task;
  readonly run: Run;
  readonly before: readonly Vertex[];
}

/** Reads the steps of a plan, or returns the reading that is known where nothing that it depends on is another by now. */
function* readPlan(
  ctx: EngineContext,
  { task, run, before }: PlaceOfPlan,
  { steps, known }: { readonly steps: readonly unknown[]; readonly known?: PlanReading | undefined },
): Tx<PlanReading> {
  const project = yield* ownProject(task);
  const { inputs, defaults } = (yield* findRunDefinition(run.id)) ?? {};
  const written = defined({ name: run.name, inputs, defaults });
  const options = {
    limits: settingsIn(run.mode, ctx.settings),
    around: before.map(({ key }) => ({ key, needs: [], trigger: undefined })),
  };
  const { root, caseInsensitive, config } = project;
  const among = JSON.stringify([written, options, root, caseInsensitive, config.worktrees]);
  if (known?.steps === steps && known.among === among) return known;
  return { steps, among, project, read: parseDefinition({ ...written, steps }, options) };
}

/** A plan's result may hold other keys for its readers; these would be settings of a run, which a plan cannot make. */
const OF_THE_RUN = ["inputs", "defaults", "on_failure", "max_parallel"] as const;

function ofTheRun(result: unknown): Problem[] {
  if (!isObject(result)) return [];
  return OF_THE_RUN.filter((name) => name in result).map((name) => ({
    path: name,
    message: "was said when the run started, and a plan cannot say it: leave it out",
  }));
}

/**
 * Returns problems of the plan's size. Steps without dependencies come behind the plan's task, which has succeeded by
 * then.
 */
function countingThePlan({ steps }: Definition): Problem[] {
  const planned = new Set(steps.map(({ key }) => key));
  return steps.flatMap(({ key, needs, trigger }, at) => {
    if (trigger !== "one_succeeded" || needs.length === 0 || needs.some((need) => planned.has(need))) return [];
    const message =
      "one_succeeded would count the plan itself, which has succeeded by then: take all_done and a condition, as in if: steps.a.status == 'succeeded'";
    return [{ path: `steps[${at}].trigger`, step: key, message }];
  });
}

function takenKeys(graph: RunGraph, steps: readonly unknown[]): Problem[] {
  return steps.flatMap((step, at) => {
    const key = keyOf(step);
    if (key === undefined || graph.find(key)?.key !== key) return [];
    return [{ path: `steps[${at}].key`, step: key, message: "the run has a task of this key already" }];
  });
}

function keyOf(step: unknown): string | undefined {
  return isObject(step) && typeof step["key"] === "string" ? step["key"] : undefined;
}

function refused(task: Task, problems: readonly Problem[], { said, next }: GivenResult["again"]): BatonError {
  const error = problemsError("The plan cannot be carried out", problems);
  return new BatonError(error.code, `${error.message} ${said}`, {
    details: { ...error.details, task: task.id },
    next: [next],
  });
}

/**
 * Makes tasks of the steps of a plan that has been completed, and gives the plan's task as it is then. What waited for it waits for the
 * last of them instead; those that need no other become ready when it is settled.
 */
export function* expandPlan(
  change: RunChange,
  plan: Task,
  { definition, earlier, drafts, author }: AuthoredPlan,
): Tx<Task> {
  const { ctx, run } = change;
  yield* requireCapacity(change, definition.steps.length);
  const project = yield* ownProject(plan);
  const behind = yield* dependentsOf(plan.id);
  // Tasks behind the plan are behind each of its steps too.
  const rest = Math.max(0, -plan.rankOrder - plan.estimateMs);
  const outside = new Map(earlier.map((task) => [task.key, task]));
  const steps = definition.steps.map((step) => ({ ...step, needs: step.needs.filter((need) => !outside.has(need)) }));
  const ranks = definitionDag({ steps }).upwardRanks();
  const planned = planOf(ctx, { steps, ranks }, valuesOfRun(ctx, run, project)).map((step, at) => ({
    ...step,
    ...withEarlier(
      step.dependencies.length === 0 ? [plan.id] : step.dependencies,
      (definition.steps[at]?.needs ?? []).flatMap((need) => outside.get(need) ?? []),
    ),
    dependents: step.dependents === 0 ? behind.length : step.dependents,
    upwardRankMs: step.upwardRankMs + rest,
  }));
  const tasks = yield* instantiate(ctx, { project, run, planned, drafts, author });
  for (const task of tasks) change.add(task);
  const needed = new Set(definition.steps.flatMap(({ needs }) => needs));
  const last = tasks.filter(({ key }) => !needed.has(key)).map(({ id }) => id);
  yield* replaceDependency({ task: plan.id, by: last, behind: behind.map(({ id }) => id) });
  for (const { id } of earlier)
    yield* addDependents([id], planned.filter(({ dependencies }) => dependencies.includes(id)).length);
  const roots = planned.filter(({ dependencies }) => dependencies.includes(plan.id)).length;
  yield* addDependents([plan.id], roots - behind.length);
  change.record({ type: "run.planned", task: plan.id, agent: null, data: { key: plan.key, steps: tasks.length } });
  return { ...plan, dependents: roots };
}

/** Dependencies of the plan have ended: they count from the beginning. */
function withEarlier(own: readonly string[], earlier: readonly Task[]) {
  return { dependencies: [...own, ...earlier.map(({ id }) => id)], settled: settledAmong(earlier) };
}

/** A run whose plan is there goes on as any other. */
export function* leavePlanning(run: Run): Tx<Run> {
  return run.status === "planning" ? yield* moveRun(run, { event: "plan", reason: run.reason }) : run;
}
