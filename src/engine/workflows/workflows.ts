import { rounded } from "../../base/numbers/rounding.js";
import { pageOf } from "../../base/lists/paging.js";
import { HINTS_FROM_MAX } from "../../base/limits.js";
import { appendEvents } from "../../store/events/events.js";
import { lockProject } from "../../store/lock-order.js";
import type { Tx } from "../../store/tx.js";
import * as workflows from "../../store/workflows/workflows.js";
import { fileProblems } from "../definitions/analysis.js";
import type { EngineContext } from "../context.js";
import { type JsonObject, hashOfInput } from "../../base/json.js";
import { type Definition, type Parsed, requireDefinition } from "../definitions/definition.js";
import type { DefinitionLimits } from "../definitions/step-checks.js";
import { BatonError } from "../../base/errors.js";
import { hint } from "../../base/names.js";
import { problemsError } from "../../base/problems.js";
import { holdsFor } from "../steps/run-draft.js";
import { projectAtHand } from "../projects/creation.js";
import { type Project, spaceOnDisk } from "../projects/projects.js";
import type { Settings } from "../../base/settings.js";

export type Workflow = workflows.Workflow;

const RECENT_RUNS = 100;

/** A definition as it is stored in a project that can take its paths. */
export interface WorkflowDraft {
  readonly parsed: Parsed;
  readonly project: Project;
  readonly text: string;
  readonly hash: string;
}

/** Errors: `invalid_input` for files outside the project. */
function draftWorkflow(ctx: EngineContext, project: Project, parsed: Parsed): WorkflowDraft {
  const problems = fileProblems(parsed.definition, spaceOnDisk(ctx, project));
  if (problems.length > 0) throw problemsError("The definition cannot be used", problems);
  return { parsed, project, text: JSON.stringify(parsed.source), hash: hashOfInput(parsed.source) };
}

/** A definition that was read and drafted before the transaction that stores it, with the limits that it was held against. */
export interface PreparedWorkflow<R extends { readonly parsed: Parsed }> {
  readonly limits: Settings;
  readonly read: R;
  readonly draft: WorkflowDraft | undefined;
}

export function* prepareWorkflow<R extends { readonly parsed: Parsed }>(
  ctx: EngineContext,
  reference: string | undefined,
  read: R,
): Tx<PreparedWorkflow<R>> {
  const project = yield* projectAtHand(ctx, reference);
  return { limits: ctx.settings, read, draft: project && draftWorkflow(ctx, project, read.parsed) };
}

/**
 * Stores a definition under its name: a new workflow, the next version where it differs from the newest, or nothing
 * new. An archived name comes back with its next version. Errors: `invalid_input` for files outside the project.
 */
export function* createWorkflow(
  ctx: EngineContext,
  project: Project,
  { parsed, draft }: { readonly parsed: Parsed; readonly draft?: WorkflowDraft | undefined },
): Tx<{ workflow: Workflow; created: boolean }> {
  const { definition } = parsed;
  const { text, hash } = draft && holdsFor(draft, parsed, project) ? draft : draftWorkflow(ctx, project, parsed);
  // Two that store the next version at once would both count on from the same one.
  yield* lockProject(project.id);
  const known = yield* workflows.findWorkflowByName(project.id, definition.name);
  if (known?.archivedAt === null) {
    const newest = yield* workflows.findVersion(known.id, known.version);
    if (newest?.hash === hash) return { workflow: known, created: false };
  }
  const workflow: Workflow = {
    id: known?.id ?? ctx.newId("workflow"),
    project: project.id,
    name: definition.name,
    version: (known?.version ?? 0) + 1,
    steps: definition.steps.length,
    archivedAt: null,
    createdAt: known?.createdAt ?? ctx.now,
    updatedAt: ctx.now,
  };
  const { id, version, name, steps } = workflow;
  const createdBy = ctx.caller.agent;
  yield* workflows.saveWorkflow(workflow);
  yield* workflows.insertVersion({
    workflow: id,
    version,
    definition: text,
    hash,
    createdAt: ctx.now,
    createdBy,
  });
  yield* appendEvents(ctx, [
    { type: "workflow.created", project: project.id, agent: createdBy, data: { workflow: id, name, version, steps } },
  ]);
  return { workflow, created: true };
}

export interface WorkflowReference {
  /** Its name within the project, or its id. */
  readonly workflow: string;
  /** Default: the newest. */
  readonly version?: number | undefined;
}

export interface StoredWorkflow {
  readonly workflow: Workflow;
  readonly version: workflows.WorkflowVersion;
  readonly definition: Definition;
  /** As it was handed in. */
  readonly source: JsonObject;
}

/**
 * Finds a version of a stored workflow that can be run or shown, by name or id. Errors: `not_found` with the nearest name, for an
 * unknown version too; `invalid_transition` for one that was deleted.
 */
export function* requireVersion(
  project: Project | undefined,
  wanted: WorkflowReference,
): Tx<Pick<StoredWorkflow, "workflow" | "version">> {
  const workflow = yield* findByReference(project, wanted.workflow);
  if (workflow.archivedAt !== null) throw deleted(workflow);
  const version = yield* workflows.findVersion(workflow.id, wanted.version ?? workflow.version);
  if (version === undefined) {
    const message = `The workflow "${workflow.name}" has no version ${wanted.version}; its newest is ${workflow.version}.`;
    throw new BatonError("not_found", message, { details: { workflow: workflow.id, newest: workflow.version } });
  }
  return { workflow, version };
}

/** As `requireVersion`, with the definition read. */
export function* requireWorkflow(
  ctx: EngineContext,
  project: Project | undefined,
  wanted: WorkflowReference,
): Tx<StoredWorkflow> {
  const { workflow, version } = yield* requireVersion(project, wanted);
  // Written by createWorkflow from an object. The limits of today do not take away what was stored under others.
  const source = JSON.parse(version.definition) as JsonObject;
  const { definition } = requireDefinition(source, { limits: unbounded(ctx.settings), name: workflow.name });
  return { workflow, version, definition, source };
}

export const unbounded = (settings: Settings): DefinitionLimits => ({
  ...settings,
  open_tasks_max: Infinity,
  depth_max: Infinity,
  payload_bytes_max: Infinity,
  patterns_max: Infinity,
});

/** Archives a workflow: runs keep their definition, and the name can be used again. Errors: as `requireWorkflow`. */
export function* deleteWorkflow(ctx: EngineContext, project: Project | undefined, reference: string): Tx<Workflow> {
  const found = yield* findByReference(project, reference);
  yield* lockProject(found.project);
  const workflow = (yield* workflows.findWorkflow(found.id)) ?? found;
  if (workflow.archivedAt !== null) throw deleted(workflow);
  const archived = { ...workflow, archivedAt: ctx.now, updatedAt: ctx.now };
  yield* workflows.saveWorkflow(archived);
  yield* appendEvents(ctx, [
    {
      type: "workflow.archived",
      project: workflow.project,
      agent: ctx.caller.agent,
      data: { workflow: workflow.id, name: workflow.name, version: workflow.version },
    },
  ]);
  return archived;
}

/** How the runs of a workflow have gone, from what is recorded. */
export interface Performance {
  readonly runs: number;
  readonly active_runs: number;
  /**
   * Share of successes among the newest finished runs, at most 100; null before the first. Cancelled ones do not count.
   */
  readonly success_rate: number | null;
  /** The median of those of them that succeeded, in ms. */
  readonly typical_duration_ms: number | null;
}

/** In the order of the workflows. */
export function* performanceOf(list: readonly Workflow[]): Tx<Performance[]> {
  const tallies = yield* workflows.countRunsOf(list.map(({ id }) => id));
  const performances: Performance[] = [];
  for (const { id } of list) {
    const tally = tallies.get(id) ?? { total: 0, active: 0 };
    const recent = tally.total === 0 ? [] : yield* workflows.recentRuns(id, RECENT_RUNS);
    const durations = recent.filter(({ succeeded }) => succeeded).map(({ durationMs }) => durationMs);
    performances.push({
      runs: tally.total,
      active_runs: tally.active,
      success_rate: recent.length === 0 ? null : rounded(durations.length / recent.length),
      typical_duration_ms: median(durations),
    });
  }
  return performances;
}

/** A page of a project's workflows by name. */
export function* listWorkflows(filter: workflows.WorkflowFilter) {
  const found = yield* workflows.listWorkflows({ ...filter, limit: filter.limit + 1 });
  const { page, next } = pageOf(found, filter.limit, ({ name }) => name);
  const figures = yield* performanceOf(page);
  const lines = page.flatMap((workflow, index) => {
    const performance = figures[index];
    return performance === undefined ? [] : [{ workflow, performance }];
  });
  return { lines, next };
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) return null;
  return sorted.length % 2 === 1 ? upper : Math.round(((sorted[middle - 1] ?? upper) + upper) / 2);
}

function* findByReference(project: Project | undefined, reference: string): Tx<Workflow> {
  const named = project && (yield* workflows.findWorkflowByName(project.id, reference));
  const found = named ?? (yield* workflows.findWorkflow(reference));
  if (found !== undefined && (project === undefined || found.project === project.id)) return found;
  const known =
    project === undefined ? [] : yield* workflows.listWorkflows({ project: project.id, limit: HINTS_FROM_MAX });
  const names = known.map(({ name }) => name);
  const where = project === undefined ? "" : ` in the project "${project.name}"`;
  throw new BatonError("not_found", `There is no workflow "${reference}"${where}${hint(reference, names)}.`, {
    details: { workflow: reference, ...(names.length > 0 ? { known: names.slice(0, 10) } : {}) },
    next: [{ tool: "query_operation", arguments: { name: "list_workflows", arguments: {} } }],
  });
}

function deleted(workflow: Workflow): BatonError {
  const message = `The workflow "${workflow.name}" was deleted: create_workflow with this name brings it back with version ${workflow.version + 1}.`;
  return new BatonError("invalid_transition", message, {
    details: { workflow: workflow.id, archived: true, version: workflow.version },
  });
}
