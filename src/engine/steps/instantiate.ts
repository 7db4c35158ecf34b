import { NO_FILES } from "../../store/scheduling/file-sets.js";
import { saveDemands, type Demand } from "../../store/scheduling/lanes.js";
import type { Requirements } from "../../store/resources/resources.js";
import type { Run } from "../../store/runs/runs.js";
import { insertTasks, type NewTask, type Task, type TaskSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { commandLine } from "../policy/command-policy.js";
import type { EngineContext } from "../context.js";
import { REVIEW_ROUNDS } from "../definitions/schema.js";
import { rolesOfTier } from "../supervision/tiers.js";
import { deadlineAt, estimateOf, type Step } from "../definitions/definition.js";
import { demandOf } from "../scheduling/demands.js";
import { ageingBucket, latestStart, PRIORITIES } from "../scheduling/order.js";
import { type Project, spaceOnDisk } from "../projects/projects.js";
import { normaliseScope, saveFileSets, type FileSet, scopeId } from "../paths/file-sets.js";
import { defined } from "../../base/json.js";
import { earliest } from "../../base/time.js";
import { isDynamic } from "./values.js";
import { toolLine } from "../policy/tool-policy.js";
import { judge } from "../scheduling/triggers.js";

/** A step on its way to becoming a task: what it depends on, and where it stands in the graph. */
export interface Planned {
  readonly step: Step;
  readonly id: string;
  /** Ids of the tasks it needs. */
  readonly dependencies: readonly string[];
  readonly dependents: number;
  readonly upwardRankMs: number;
  /** How those of its dependencies ended that have ended already. */
  readonly settled?: { readonly succeeded: number; readonly failed: number; readonly skipped: number };
}

export interface Instantiation {
  readonly project: Project;
  readonly run: Run;
  readonly planned: readonly Planned[];
  /** Drafts of steps that were made before, by key. */
  readonly drafts?: ReadonlyMap<string, StepDraft> | undefined;
  /** The author of the steps. Default: that of the run. */
  readonly author?: string | null | undefined;
}

/**
 * Makes tasks of steps and writes them, in few statements however many there are. Gives the tasks as they are then: ready where nothing
 * holds them up. Errors: `invalid_input` for a path outside the project's root.
 */
export function* instantiate(ctx: EngineContext, { project, run, planned, drafts, author }: Instantiation): Tx<Task[]> {
  const demands = new Map<string, Demand>();
  const scopes = new Map<string, FileSet>();
  const made = planned.map((plan): NewTask => {
    const draft = drafts?.get(plan.step.key) ?? draftStep(ctx, project, plan.step);
    if (draft.scope !== "") scopes.set(draft.scope, draft.paths);
    demands.set(draft.demand.id, draft.demand);
    return {
      task: taskOfStep(ctx, run, { planned: plan, draft, author }),
      spec: draft.specText,
      dependencies: plan.dependencies,
    };
  });
  yield* saveDemands([...demands.values()]);
  yield* saveFileSets(project, scopes);
  yield* insertTasks(made);
  return made.map(({ task }) => task);
}

/** A step's demand and spec, the same in every run. */
export interface StepDraft {
  readonly demand: Demand;
  readonly scope: string;
  readonly paths: FileSet;
  readonly spec: TaskSpec;
  readonly specText: string;
}

/** A context that can tell how paths lie on disk. */
export type PathContext = Pick<EngineContext, "findPath">;

/** Errors: `invalid_input` for a path outside the project's root. */
export function draftStep(ctx: PathContext, project: Project, step: Step): StepDraft {
  // A step with expressions has no demand and no locks yet.
  const files = isDynamic(step) ? NO_FILES : step.files;
  // A compensation may be needed long after its author has gone: its paths are checked now.
  if (step.compensate && !isDynamic(step.compensate)) askedBy(ctx, project, step.compensate);
  const spec = specOf(withLeadApproval(project, step));
  return { ...askedBy(ctx, project, { ...step, files }), spec, specText: JSON.stringify(spec) };
}

/** A step for an agent with a lead's review behind it, where its project asks for that and the step names no review itself. */
function withLeadApproval({ config }: Project, step: Step): Step {
  const isWork = step.kind === "agent" && step.review === undefined && step.review_of === undefined;
  if (config.require_lead_approval !== true || !isWork) return step;
  const [by = "lead"] = rolesOfTier(config, "lead");
  return { ...step, review: { by, max_rounds: REVIEW_ROUNDS } };
}

/** Returns a step's demand and the files it locks. Errors: `invalid_input` for a path outside the project's root. */
export function askedBy(
  ctx: PathContext,
  project: Project,
  step: Step,
): { demand: Demand; scope: string; paths: FileSet } {
  const paths = normaliseScope(spaceOnDisk(ctx, project), step.files);
  const scope = scopeId(project, paths);
  return { demand: demandOfStep(project, step, scope), scope, paths };
}

function demandOfStep(project: Project, step: Step, scope: string): Demand {
  const shared = {
    project: project.id,
    reservedFor: null,
    scoped: scope !== "",
    notBy: [],
    failedBy: [],
    resources: requirementsOf(step),
    alone: step.parallelizable === false,
  };
  // Server processes choose among themselves who runs a command or calls a tool: such a step asks for no role and no
  // capability.
  const own = { ...shared, role: null, requires: [] };
  if (step.kind === "command")
    return demandOf({ ...own, executor: "command", command: commandLine(step.run ?? "", step.env) });
  if (step.kind === "tool") return demandOf({ ...own, executor: "tool", command: toolLine(step) });
  return demandOf({ ...shared, executor: "agent", role: step.role ?? null, requires: step.requires, command: null });
}

/** Requirements in one order, so that equal ones make equal demands. */
function requirementsOf({ resources }: Step): Requirements | null {
  if (resources === undefined || Object.values(resources).every((units) => Object.keys(units).length === 0))
    return null;
  const sorted = <T>(record: Readonly<Record<string, T>>) =>
    Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted(resources).map(([resource, units]) => [resource, Object.fromEntries(sorted(units))]),
  );
}

export function specOf(step: Step): TaskSpec {
  const { ask, form, event, default_decision, cognitive_style, creativity, analytical_depth, collaboration, quality } =
    step;
  return {
    ...(step.prompt === undefined ? {} : { prompt: step.prompt }),
    ...(step.criteria.length === 0 ? {} : { criteria: step.criteria }),
    requires: step.requires,
    files: step.files,
    retry: step.retry,
    timeouts: timeoutsOf(step),
    ...(step.output === undefined ? {} : { output: step.output }),
    ...executedOf(step),
    ...(step.not_by === undefined ? {} : { not_by: step.not_by }),
    ...(step.prefer_by === undefined ? {} : { prefer_by: step.prefer_by }),
    ...defined({ type: step.type, review: step.review, review_of: step.review_of, resources: step.resources }),
    ...(step.parallelizable === false && { parallelizable: false as const }),
    ...defined({ cognitive_style, creativity, analytical_depth, collaboration, quality }),
    ...(ask === undefined ? {} : { ask }),
    ...(form === undefined ? {} : { form }),
    ...defined({ default_decision }),
    ...(event === undefined ? {} : { event }),
    ...(step.workflow === undefined ? {} : { workflow: step.workflow, given: step.inputs ?? {} }),
    ...(step.compensate === undefined ? {} : { compensate: { ...step.compensate } }),
    ...(isDynamic(step) ? { dynamic: { step: { ...step }, reads: step.reads ?? [] } } : {}),
  };
}

/** The command or tool call of a step that a server carries out. */
function executedOf(step: Step): Pick<TaskSpec, "command" | "tool"> {
  const { kind, run, cwd, env, shell, values, server, tool } = step;
  if (kind === "command" && run !== undefined) return { command: { run, cwd, env, shell, values } };
  if (kind !== "tool" || server === undefined || tool === undefined) return {};
  return { tool: { server, tool, arguments: step.arguments ?? {} } };
}

/** The session of the server that runs a command or calls a tool vouches for it: it has no heartbeat of its own to miss. */
function timeoutsOf({ kind, timeouts }: Step): TaskSpec["timeouts"] {
  const { heartbeat: _, ...others } = timeouts;
  return kind === "command" || kind === "tool" ? others : timeouts;
}

const NEVER_TRIED = {
  attempt: 0,
  failures: 0,
  token: 0,
  agent: null,
  session: null,
  startedAt: null,
  leaseExpiresAt: null,
  heartbeatAt: null,
  percent: null,
  percentMax: 0,
  progressNote: null,
  sleptMs: 0,
  losses: 0,
  lossesTotal: 0,
  lostBy: null,
  reservedFor: null,
  reservedUntil: null,
  orders: null,
  holdsFiles: false,
  availableAt: null,
} as const;

/** A step as a task of a run, before it is written. */
export function taskOfStep(
  ctx: EngineContext,
  run: Run,
  {
    planned: plan,
    draft,
    author,
  }: { planned: Planned; draft: Pick<StepDraft, "demand" | "scope"> } & Pick<Instantiation, "author">,
): Task {
  const { step } = plan;
  const priority = step.priority === undefined ? run.priority : PRIORITIES[step.priority];
  const deadline = step.deadline === undefined ? run.deadline : deadlineAt(step.deadline, ctx.now);
  const { schedule_to_start, schedule_to_close } = step.timeouts;
  const settled = plan.settled ?? { succeeded: 0, failed: 0, skipped: 0 };
  // A dynamic step is activated afterwards, with the values there are then; the first of a phase, behind a checkpoint.
  const isKnown = !isDynamic(step) && step.phase === undefined;
  const ready = isKnown && judge(step.trigger, { total: plan.dependencies.length, ...settled }) === "ready";
  const closeBy = ready && schedule_to_close !== undefined ? ctx.now + schedule_to_close : null;
  const startBy = ready && schedule_to_start !== undefined ? ctx.now + schedule_to_start : null;
  return {
    id: plan.id,
    run: run.id,
    project: run.project,
    key: step.key,
    kind: step.kind,
    title: step.title,
    author: author ?? run.createdBy,
    role: step.role ?? null,
    status: ready ? "ready" : "pending",
    priority,
    demand: draft.demand.id,
    scope: draft.scope,
    trigger: step.trigger,
    depsTotal: plan.dependencies.length,
    depsSucceeded: settled.succeeded,
    depsFailed: settled.failed,
    depsSkipped: settled.skipped,
    dependents: plan.dependents,
    bucket: ready ? ageingBucket(ctx.now, priority, ctx.settings.ageing_ms) : 0,
    latestStart: latestStart(deadline, plan.upwardRankMs),
    rankOrder: -plan.upwardRankMs,
    estimateMs: estimateOf(step),
    phase: step.phase ?? null,
    readsSpecOnStart: schedule_to_start !== undefined || schedule_to_close !== undefined || isDynamic(step),
    ...NEVER_TRIED,
    readyAt: ready ? ctx.now : null,
    closeBy,
    dueAt: earliest(startBy, closeBy),
    reasons: [],
    createdAt: ctx.now,
    endedAt: null,
  };
}
