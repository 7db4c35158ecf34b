import { READY_SHOWN_MAX } from "../../base/limits.js";
import type { RunMode } from "../../base/statuses.js";
import { insertBudget } from "../../store/cost/budgets.js";
import { findStandingRun, insertRun, type NewRun, type Run, type RunShape } from "../../store/runs/runs.js";
import type { Task } from "../../store/tasks/tasks.js";
import { insertRunOfSession } from "../../store/runs/work-sessions.js";
import { findWorkflowByName } from "../../store/workflows/workflows.js";
import type { Tx } from "../../store/tx.js";
import { fileProblems } from "../definitions/analysis.js";
import { requirePlaceForCommands } from "../policy/command-place.js";
import { linesNotAllowed } from "../policy/command-runners.js";
import { takerWarnings } from "../claims/live-takers.js";
import { commandLine } from "../policy/command-policy.js";
import { newBudget } from "../cost/budgets.js";
import type { EngineContext } from "../context.js";
import { deadlineAt, type Parsed } from "../definitions/definition.js";
import type { Deadline } from "../definitions/schema.js";
import { bindInputs } from "../definitions/inputs.js";
import { instantiate } from "../steps/instantiate.js";
import { PRIORITIES, type Priority } from "../scheduling/order.js";
import { problemsError } from "../../base/problems.js";
import { type Project, requireUnarchived, spaceOnDisk } from "../projects/projects.js";
import { type ChangedRun, RunChange } from "../lifecycle/run-change.js";
import { modeOf, parallelIn } from "../scheduling/run-modes.js";
import { settleWaiting } from "../lifecycle/dependents.js";
import { valuesOfRun } from "../steps/values.js";
import { requireRun } from "../lookup.js";
import { idleKeyWarnings } from "../workflows/idle-keys.js";
import { unitWarnings } from "../workflows/unit-warnings.js";
import { shellLine } from "../expressions/shell.js";
import { isTemplate } from "../expressions/interpolation.js";
import { toolsNotOffered } from "../policy/tool-runners.js";
import { toolLine } from "../policy/tool-policy.js";
import type { WorkSession } from "./work-sessions.js";
import { planOf } from "../steps/plan.js";
import { QUEUED } from "../scheduling/queued.js";
import { isPlaceForNewRun } from "./queue.js";
import { draftNow, holdsFor, type RunDraft } from "../steps/run-draft.js";

export interface Execution {
  readonly project: Project;
  readonly parsed: Parsed;
  /** Made before the transaction; made within it where there is none, or where it no longer holds. */
  readonly draft?: RunDraft | undefined;
  readonly workflow?: { readonly id: string; readonly version: number } | undefined;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  readonly max_parallel?: number | undefined;
  readonly priority?: Priority | undefined;
  readonly deadline?: Deadline | undefined;
  readonly createdBy: string;
  /** Default: running. */
  readonly status?: "planning" | "paused";
  /** The run and the task that wait for it. */
  readonly parent?: { readonly run: Run; readonly task: string };
  /** Budget of the run, in US dollars. */
  readonly budget?: number | undefined;
  /** Default: that of the session, or of the settings. */
  readonly mode?: RunMode | undefined;
  /** The work session whose defaults it takes. */
  readonly session?: WorkSession | undefined;
}

export interface Started extends ChangedRun {
  readonly ready: readonly Task[];
  /** Obstacles that will keep the run from going on, as far as they are known now. */
  readonly warnings: readonly string[];
}

/** Starts a run of a sound definition, in one transaction. Errors: `invalid_input` for inputs or paths. */
export function* executeWorkflow(ctx: EngineContext, execution: Execution): Tx<Started> {
  const { parsed, project } = execution;
  yield* requireUnarchived(project.id);
  requirePlaceForCommands(project, parsed.definition.steps);
  const known = execution.draft;
  const draft = known && holdsFor(known, parsed, project) ? known : draftNow(ctx, parsed, project);
  const isBounded = execution.parent === undefined && execution.status === undefined;
  const isQueued = isBounded && !(yield* isPlaceForNewRun(ctx));
  const run = yield* insertRun(ctx, {
    ...newRun(ctx, execution, draft),
    ...(isQueued && { status: "paused", reason: QUEUED }),
  });
  if (execution.budget !== undefined) yield* insertBudget(newBudget(ctx, run.id, execution.budget));
  const { session } = execution;
  if (session !== undefined) yield* insertRunOfSession(session.id, run.id);
  const values = valuesOfRun(ctx, run, project);
  const planned = planOf(ctx, { steps: draft.estimated, ranks: draft.ranks }, values);
  const outside = draft.problems ?? fileProblems({ steps: planned.map(({ step }) => step) }, spaceOnDisk(ctx, project));
  if (outside.length > 0) throw problemsError("The definition cannot be used", outside);
  const tasks = yield* instantiate(ctx, { project, run, planned, drafts: draft.steps });
  const change = new RunChange(ctx, run);
  for (const task of tasks) change.add(task);
  // Steps with expressions or a phase, and steps the server does, are activated now where nothing holds them up.
  const activated = yield* settleWaiting(
    change,
    tasks.filter(({ status, readsSpecOnStart, phase }) => status === "pending" && (readsSpecOnStart || phase !== null)),
  );
  const ready = [...tasks.filter((task) => task.status === "ready"), ...activated];
  change.record({
    type: "run.started",
    agent: execution.createdBy,
    data: {
      name: run.name,
      tasks: tasks.length,
      ready: ready.length,
      ...(run.parentTask === null ? {} : { parent_run: run.parentRun, parent_task: run.parentTask }),
      ...(session && { session: session.name }),
    },
  });
  const changed = yield* change.flush();
  const warnings = [
    ...(isQueued ? [`The run is paused: ${QUEUED}.`] : []),
    ...unitWarnings(parsed.source),
    ...idleKeyWarnings(parsed.source),
    ...(yield* commandWarnings(ctx, project, parsed)),
    ...(yield* workflowWarnings(project, parsed)),
    ...(yield* takerWarnings(ctx, parsed.definition.steps, project.config.reviewers === "handle")),
  ];
  return { ...changed, ready: ready.slice(0, READY_SHOWN_MAX), warnings };
}

function newRun(ctx: EngineContext, execution: Execution, { shape, text }: RunDraft): NewRun {
  const { parsed, project, parent, workflow } = execution;
  const { definition } = parsed;
  const mode = modeOf(execution, ctx.settings);
  // Runs are locked by their ids, a parent before those within it.
  const id = ctx.newId("run", parent?.run.id);
  return {
    id,
    project: project.id,
    workflow: workflow?.id ?? null,
    workflowVersion: workflow?.version ?? null,
    name: definition.name,
    kind: "workflow",
    // Child runs take the mode of their parent.
    mode: parent?.run.mode ?? mode,
    maxParallel: maxParallelOf(ctx, execution, mode),
    priority: PRIORITIES[execution.priority ?? definition.priority ?? "normal"],
    deadline: deadlineOf(ctx, execution.deadline ?? definition.deadline),
    inputs: bindInputs(definition, execution.inputs ?? {}),
    shape,
    createdBy: execution.createdBy,
    definition: text,
    onFailure: definition.on_failure,
    ...placeWithin(parent),
    ...(execution.budget !== undefined && { budgetOf: id }),
    ...(execution.status && { status: execution.status }),
  };
}

function placeWithin(parent: Execution["parent"]) {
  if (parent === undefined) return { parentRun: null, parentTask: null, depth: 0, budgetOf: null };
  const { run, task } = parent;
  return { parentRun: run.id, parentTask: task, depth: run.depth + 1, budgetOf: run.budgetOf };
}

function maxParallelOf(
  ctx: EngineContext,
  { parsed, project, session, max_parallel }: Execution,
  mode: RunMode,
): number {
  const said = max_parallel ?? parsed.definition.max_parallel ?? session?.maxParallel;
  return said ?? parallelIn(mode, project.config.max_parallel, ctx.settings);
}

function deadlineOf(ctx: EngineContext, deadline: Deadline | undefined): number | null {
  return deadline === undefined ? null : deadlineAt(deadline, ctx.now);
}

function* commandWarnings(ctx: EngineContext, { root }: Project, { definition }: Parsed): Tx<string[]> {
  const lines = definition.steps.flatMap(({ kind, run, env = {} }) =>
    // The values of its variables are not known before it starts.
    kind !== "command" || run === undefined || Object.values(env).some(isTemplate)
      ? []
      : [commandLine(shellLine(run), env)],
  );
  const tools = definition.steps.filter(({ kind }) => kind === "tool").map(toolLine);
  const refused = yield* linesNotAllowed(ctx, { lines, root });
  const missing = yield* toolsNotOffered(ctx, tools);
  const ofCommands =
    refused &&
    `${refused.count === 1 ? "A command step waits" : `${refused.count} command steps wait`}: ${refused.detail} (start one with --allow-commands, or allow patterns in your own configuration).`;
  const ofTools =
    missing &&
    `${missing.count} tool steps wait: ${missing.detail}. Only the person who starts a server adds MCP servers, in their own configuration (mcpServers).`;
  return [ofCommands ?? [], ofTools ?? []].flat();
}

/** Warns of workflows that do not exist yet: they may still be made before their step's turn. */
function* workflowWarnings(project: Project, { definition }: Parsed): Tx<string[]> {
  const names = new Set(definition.steps.flatMap(({ workflow }) => workflow ?? []));
  const missing: string[] = [];
  for (const name of names) {
    const known = yield* findWorkflowByName(project.id, name);
    if (known === undefined || known.archivedAt !== null) missing.push(name);
  }
  if (missing.length === 0) return [];
  return [`There is no workflow ${missing.join(", ")} in the project yet: make it before a step that runs it begins.`];
}

const NO_SHAPE: RunShape = { depth: 0, width: 0, criticalPath: [], criticalPathMs: 0 };

/** The run that a project's ad-hoc tasks live in; made at need, never ends. */
export function* standingRun(ctx: EngineContext, project: Project): Tx<Run> {
  const known = yield* findStandingRun(project.id);
  if (known !== undefined) return yield* requireRun(known);
  yield* requireUnarchived(project.id);
  return yield* insertRun(ctx, {
    id: ctx.newId("run"),
    project: project.id,
    workflow: null,
    workflowVersion: null,
    name: `${project.name}-tasks`,
    kind: "standing",
    mode: "standard",
    maxParallel: ctx.settings.open_tasks_max,
    priority: PRIORITIES.normal,
    deadline: null,
    inputs: {},
    shape: NO_SHAPE,
    createdBy: ctx.caller.agent,
    definition: null,
    onFailure: "continue",
    parentRun: null,
    parentTask: null,
    depth: 0,
    budgetOf: null,
  });
}
