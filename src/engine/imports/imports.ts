import { nameFrom } from "../../base/names.js";
import type { ForeignPlan } from "../../imports/foreign-plan.js";
import { type ImportedTask, saveImport } from "../../store/imports/imports.js";
import { lockProject, lockRun } from "../../store/lock-order.js";
import type { Run } from "../../store/runs/runs.js";
import { findTasks } from "../../store/tasks/lists.js";
import { holdTasks } from "../../store/tasks/revisions.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { type Parsed, requireDefinition } from "../definitions/definition.js";
import { settleDependents } from "../lifecycle/dependents.js";
import type { Settled } from "../lifecycle/machines.js";
import { RunChange } from "../lifecycle/run-change.js";
import { completeByServer } from "../lifecycle/server-attempts.js";
import { modifyRun } from "../modifications/modifications.js";
import type { Project } from "../projects/projects.js";
import { executeWorkflow } from "../runs/executions.js";
import { draftRun, type RunDraft } from "../steps/run-draft.js";
import { definitionOf, openNeeds, type Outlook, outlookOf } from "./outlook.js";

export interface PlanImport {
  readonly plan: ForeignPlan;
  /** Name of a new run. Default: that of the plan. */
  readonly name?: string | undefined;
  /** Whether tasks that the source has no longer are removed, where they have not begun. */
  readonly remove?: boolean | undefined;
  readonly agent: string;
  /** Made before the transaction. */
  readonly before?: PreparedImport | undefined;
}

/** A plan whose run was read and drafted before the transaction that starts it. */
export interface PreparedImport {
  readonly outlook: Outlook;
  readonly parsed: Parsed | undefined;
  readonly draft: RunDraft | undefined;
}

/** Finds what an import would do, and drafts its run. Errors: `invalid_input`, `limit_exceeded` for a plan that no run can be of. */
export function* prepareImport(
  ctx: EngineContext,
  project: Project | undefined,
  { plan, name }: Pick<PlanImport, "plan" | "name">,
): Tx<PreparedImport> {
  const outlook = yield* outlookOf(project?.id, plan);
  if (outlook.run !== undefined || outlook.created.length === 0)
    return { outlook, parsed: undefined, draft: undefined };
  const parsed = parsedOf(ctx, outlook, name);
  return { outlook, parsed, draft: project && (yield* draftRun(ctx, parsed, project)) };
}

function parsedOf(ctx: EngineContext, outlook: Outlook, name: string | undefined): Parsed {
  const definition = definitionOf(outlook, name ?? nameFrom(outlook.plan.title, "imported"));
  return requireDefinition(definition, { limits: ctx.settings });
}

export interface ImportDone {
  readonly outlook: Outlook;
  /** The run as it is now; undefined where nothing was to be created. */
  readonly run: Run | undefined;
}

/**
 * Starts a run of a plan, or brings the run of an earlier import up to date: in one transaction, all of it or nothing. Tasks that have
 * begun stay as they are. Errors: as `prepareImport`, `modifyRun`.
 */
export function* importPlan(ctx: EngineContext, project: Project, { before, ...given }: PlanImport): Tx<ImportDone> {
  // Two imports of one source at once would each start a run.
  yield* lockProject(project.id);
  const outlook = yield* outlookOf(project.id, given.plan);
  if (outlook.run !== undefined) return yield* update(ctx, { outlook, run: outlook.run, given });
  if (outlook.created.length === 0) return { outlook, run: undefined };
  const isPrepared = before?.parsed !== undefined && before.outlook.row === undefined && outlook.row === undefined;
  const parsed = isPrepared ? before.parsed : parsedOf(ctx, outlook, given.name);
  const draft = isPrepared ? before.draft : undefined;
  const started = yield* executeWorkflow(ctx, { project, parsed, draft, createdBy: given.agent });
  yield* remember(ctx, outlook, started.run);
  return { outlook, run: started.run };
}

interface Update {
  readonly outlook: Outlook;
  readonly run: Run;
  readonly given: PlanImport;
}

function* update(ctx: EngineContext, { outlook, run, given }: Update): Tx<ImportDone> {
  const changes = changesOf(outlook, given.remove === true);
  let now = run;
  if (changes.length > 0) now = (yield* modifyRun(ctx, { run: run.id, changes, agent: given.agent })).run;
  if (outlook.settled.length > 0) now = yield* settle(ctx, { outlook, run, given });
  if (changes.length + outlook.settled.length > 0) yield* remember(ctx, outlook, run);
  return { outlook, run: now };
}

/** The changes of `modify_run` that bring a run in line with its source. */
function changesOf(outlook: Outlook, remove: boolean): object[] {
  const { planned, created, updated, gone, edges, row } = outlook;
  const imported = new Set((row?.tasks ?? []).map(([, key]) => key));
  const additions = created.map((task) => ({
    op: "add_task",
    step: { key: task.key, ...task.step, needs: openNeeds(outlook, task) },
  }));
  const revisions = updated.flatMap(({ planned: task }) => {
    const has = edges.get(task.key) ?? new Set();
    const said = new Set(task.needs.flatMap((ref) => planned.tasks.get(ref)?.key ?? []));
    const joins = openNeeds(outlook, task).filter((key) => !has.has(key));
    const leaves = [...has].filter((key) => imported.has(key) && !said.has(key));
    return [
      { op: "update_task", task: task.key, set: { files: {}, ...task.step } },
      ...joins.map((on) => ({ op: "add_dependency", task: task.key, on })),
      ...leaves.map((on) => ({ op: "remove_dependency", task: task.key, on })),
    ];
  });
  const removals = remove ? gone.filter(isRemovable).map(({ key }) => ({ op: "remove_task", task: key })) : [];
  return [...additions, ...revisions, ...removals];
}

/** Whether a task that its source has no longer can leave its run. */
export function isRemovable({ status, attempt }: Task): boolean {
  return attempt === 0 && (status === "pending" || status === "ready" || status === "blocked");
}

/** Completes the tasks that are done at their source. */
function* settle(ctx: EngineContext, { outlook, run: { id }, given }: Update): Tx<Run> {
  const run = yield* lockRun(id);
  if (run === undefined) throw new Error(`run ${id} is gone under its own lock`);
  const tasks = (yield* findTasks(outlook.settled.map(({ task }) => task.id))).toSorted((a, b) =>
    a.id < b.id ? -1 : 1,
  );
  const change = new RunChange(ctx, run);
  const held = tasks.filter(({ status }) => status === "ready");
  yield* holdTasks(held.map((task) => task.id));
  for (const task of held) change.move(task, "pending");
  const settled: Settled[] = [];
  for (const task of tasks) {
    const open: Task = { ...task, status: "pending" };
    settled.push(yield* completeByServer(change, open, { result: { done_in: outlook.plan.source }, by: given.agent }));
  }
  yield* settleDependents(change, settled);
  return (yield* change.flush()).run;
}

/** Keeps which task of the run each task of the plan is. Tasks that were left as they are are told of again next time. */
function* remember(ctx: EngineContext, outlook: Outlook, run: Run): Tx<void> {
  const { plan, created, updated, row } = outlook;
  // An export names the tasks of its run by their keys: nothing is to be kept.
  if (plan.exportOf === run.id) return;
  const said = new Map([...created, ...updated.map((one) => one.planned)].map((one) => [one.ref, one.digest]));
  const before = outlook.run === undefined ? [] : (row?.tasks ?? []);
  const known = before.map(([ref, key, digest]): ImportedTask => [ref, key, said.get(ref) ?? digest]);
  const fresh = created.map(({ ref, key, digest }): ImportedTask => [ref, key, digest]);
  yield* saveImport({
    run: run.id,
    project: run.project,
    format: plan.format,
    source: plan.source,
    tasks: [...known, ...fresh],
    createdAt: outlook.run === undefined ? ctx.now : (row?.createdAt ?? ctx.now),
    updatedAt: ctx.now,
  });
}
