import { startOf } from "../../base/texts/stored-values.js";
import { tasksInState } from "../../store/tasks/lists.js";
import type { AttemptError } from "../../store/tasks/attempts.js";
import * as children from "../../store/child-runs/child-runs.js";
import { openDeadLetterOf } from "../../store/dead-letters/dead-letters.js";
import { lockProject, lockRun } from "../../store/lock-order.js";
import type { Run } from "../../store/runs/runs.js";
import { saveSpec, startWaiting } from "../../store/tasks/server-steps.js";
import { setDue } from "../../store/tasks/transitions.js";
import { findTaskAndSpec } from "../../store/tasks/tasks.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import { backoffMs, mayRetry } from "../lifecycle/attempts.js";
import { completeByServer, failByServer, tryTaskAgain } from "../lifecycle/server-attempts.js";
import { SERVER, type EngineContext } from "../context.js";
import { isUndone, resolveDeadLetter } from "../dead-letters/dead-letters.js";
import { BatonError } from "../../base/errors.js";
import { executeWorkflow } from "../runs/executions.js";
import { type LockedTask, lockTask } from "../lifecycle/locked-task.js";
import { earliest } from "../../base/time.js";
import { taskMachine } from "../lifecycle/machines.js";
import { transition } from "../machine.js";
import { priorityName } from "../scheduling/order.js";
import { ownProject } from "../projects/projects.js";
import { canReopenRun } from "../lifecycle/reopening.js";
import { withoutChild } from "./child-spec.js";
import { RunChange } from "../lifecycle/run-change.js";
import { closeIfOverBudget } from "../cost/budget-state.js";
import { listed, unfitness } from "../steps/output.js";
import { cancelRun } from "../runs/control.js";
import { cancelTask } from "../tasks/cancellation.js";
import { endWait } from "../signals/wait-steps.js";
import { requireVersion, unbounded } from "../workflows/workflows.js";
import { type ChosenDefinition, type Preparation, preparedFor, prepareRun } from "../runs/preparation.js";

// A workflow step waits for a child run. Every transaction that starts, ends or stops either of them locks the parent
// before the child; so a child that has ended records that it is due, and the tick, or the process that ended it, tells
// its parent.

/** How many runs a run may be within. */
export const RUN_DEPTH_MAX = 10;

/**
 * The end of a child run lets the next one start, and so does a raised budget. Should that have been cancelled meanwhile, or the run
 * have gone back to before, the others look by themselves.
 */
const CHECK_AGAIN_MS = 60_000;

/**
 * Starts the run that a waiting workflow task is to wait for. Where its own run has as many as may be at once, it waits for one of them
 * to end; where a budget is spent, for that to be raised. Errors: `not_found` for a workflow that is none, `limit_exceeded` for one within ten others, `invalid_input` for its inputs.
 */
export function* startChild(
  ctx: EngineContext,
  { task, spec, run }: LockedTask,
  before: Preparation | undefined,
): Tx<void> {
  if ((yield* children.countOpenChildren(run.id)) >= run.maxParallel || (yield* closeIfOverBudget(run)))
    return yield* setDue(task.id, earliest(task.closeBy, ctx.now + CHECK_AGAIN_MS));
  const name = spec.workflow ?? "";
  if (run.depth >= RUN_DEPTH_MAX) {
    const message = `"${name}" would be a run within ${run.depth + 1} others, and at most ${RUN_DEPTH_MAX} are possible: does a workflow call itself?`;
    throw new BatonError("limit_exceeded", message, { details: { run: run.id, task: task.id, depth: run.depth } });
  }
  yield* requireDescendantCapacity(run);
  const project = yield* ownProject(task);
  const stored = yield* requireVersion(project, { workflow: name });
  const { parsed, draft } = preparedFor(definitionOfChild(ctx, stored), before);
  const { workflow, version } = stored;
  const { definition } = parsed;
  const started = yield* executeWorkflow(ctx, {
    project,
    parsed,
    draft,
    workflow: { id: workflow.id, version: version.version },
    inputs: spec.given,
    priority: definition.priority ?? priorityName(run.priority),
    ...(run.deadline !== null && definition.deadline === undefined ? { deadline: { at: run.deadline } } : {}),
    createdBy: run.createdBy,
    parent: { run, task: task.id },
    ...(run.status === "paused" ? { status: "paused" } : {}),
  });
  yield* saveSpec(task.id, { ...spec, child: started.run.id });
  yield* setDue(task.id, task.closeBy);
  const change = new RunChange(ctx, run);
  yield* startNext(ctx, run.id);
  const data = { key: task.key, child_run: started.run.id, workflow: workflow.name, version: version.version };
  change.record({ type: "task.child_started", task: task.id, data });
  yield* change.writeHistory();
}

/** Reads and drafts the child run of a task that is to wait for it, before `startChild`. Errors: as there. */
export function* prepareChild(ctx: EngineContext, id: string): Tx<Preparation | undefined> {
  const found = yield* findTaskAndSpec(id);
  if (found === undefined || !isUnstarted(found)) return undefined;
  const project = yield* ownProject(found.task);
  const stored = yield* requireVersion(project, { workflow: found.spec.workflow ?? "" });
  return yield* prepareRun(ctx, definitionOfChild(ctx, stored), project);
}

// The limits of today do not take away what was stored under others.
function definitionOfChild({ settings }: EngineContext, stored: ChosenDefinition["stored"]): ChosenDefinition {
  return { limits: unbounded(settings), overrides: {}, stored };
}

/** Lets the next task of a run that waits for capacity start its child run, soon. */
export function* startNext(ctx: EngineContext, run: string): Tx<void> {
  if (yield* children.wakeNextUnstarted(run, ctx.now)) ctx.onDue?.();
}

/** Errors: `limit_exceeded` where a tree of runs grows without end: each may call more than one. */
function* requireDescendantCapacity(run: Run): Tx<void> {
  const root = yield* children.rootOf(run.id);
  const open = (yield* children.openDescendants(root)).length;
  if (open < children.DESCENDANTS_MAX) return;
  const message = `${open} runs are open within run ${root}; at most ${children.DESCENDANTS_MAX} fit.`;
  throw new BatonError("limit_exceeded", message, { details: { run: root, open, max: children.DESCENDANTS_MAX } });
}

/** Fails a workflow task whose child run could not be started. */
export function* failUnstarted(ctx: EngineContext, task: string, error: BatonError): Tx<void> {
  const locked = yield* lockTask(task);
  if (!isUnstarted(locked)) throw error;
  const { code, message } = error;
  yield* endWait(ctx, locked, (change) => failByServer(change, locked.task, { error: { type: code, message } }));
  yield* startNext(ctx, locked.run.id);
}

/** A waiting task whose child run is still to be started. */
export function isUnstarted({ task, spec }: Pick<LockedTask, "task" | "spec">): boolean {
  return task.status === "waiting" && spec.workflow !== undefined && spec.child === undefined;
}

/** A run that another has started, with the task of that which is to wait for it, as they are under their locks. */
export interface ChildAndParent {
  /** Undefined where the run that started it has been removed. */
  readonly parent: LockedTask | undefined;
  readonly child: Run;
}

/** Locks, in their order, what bringing a run and its parent together may change. Undefined where it is gone. */
export function* lockWithParent(known: Run): Tx<ChildAndParent | undefined> {
  const found = known.parentTask === null ? undefined : yield* findTaskAndSpec(known.parentTask);
  // Reopening a failed run locks its project, which comes before the runs.
  const failed = found?.task.status === "dead_letter";
  if (failed) yield* lockProject(found.task.project);
  const parent = found && (yield* lockTask(found.task.id));
  if (parent?.task.status === "dead_letter" && !failed)
    throw new RestartTransaction(`task ${parent.task.id} has failed meanwhile`);
  const child = yield* lockRun(known.id);
  return child && { parent, child };
}

/**
 * Reconciles a child run with the task that waits for it: an end is reported to the parent, a run without a waiting
 * task is cancelled. Returns when to check again, if at all.
 */
export function* reconcileChild(ctx: EngineContext, { parent, child }: ChildAndParent): Tx<number | null> {
  const own = parent?.spec.child === child.id;
  const waits = own && parent.task.status === "waiting";
  if (child.endedAt === null) return waits || isReopenedChild(own, parent) ? null : yield* stopOrphan(ctx, child);
  if (!parent) return null;
  // It may wait for the end of its child runs before it compensates anything.
  if (parent.run.status === "compensating" && parent.run.stage === "stopping")
    yield* children.setRunDueAt(parent.run.id, ctx.now);
  if (waits) yield* settleParent(ctx, parent, child);
  // After that: until then its own task is one that waits without an open run.
  yield* startNext(ctx, parent.run.id);
  return own && parent.task.status === "dead_letter" && child.status === "succeeded"
    ? yield* resolveByChild(ctx, parent, child)
    : null;
}

const FAILED_BY_CHILD: ReadonlySet<string> = new Set(["child_run_failed", "invalid_output"]);

/** Whether a step failed with its child run, which was reopened by itself: its end may resolve the step's dead letter. */
function isReopenedChild(own: boolean, parent: LockedTask | undefined): boolean {
  if (!own || parent?.task.status !== "dead_letter" || isUndone(parent.task, parent.run)) return false;
  return FAILED_BY_CHILD.has(parent.task.reasons[0]?.kind ?? "") && canReopenRun(parent.run);
}

/** Cancels a run without a waiting task. Returns when its end is to be reported, where it has ended thereby. */
function* stopOrphan(ctx: EngineContext, child: Run): Tx<number | null> {
  // A run that is being compensated comes to its end by itself.
  if (child.status === "cancelling" || child.status === "compensating") return null;
  const reason = "the task that waited for it does so no longer";
  const { run } = yield* cancelRun(ctx, child, { agent: SERVER, reason });
  return run.endedAt === null ? null : ctx.now;
}

/** Child runs report their reasons to their parents, each with those below it. */
const REASON_CHARS_MAX = 2_000;

function* settleParent(ctx: EngineContext, parent: LockedTask, child: Run): Tx<void> {
  const { task, spec } = parent;
  if (child.status === "cancelled") {
    yield* cancelTask(ctx, { task: task.id, reason: `its run ${child.id} was cancelled` });
    return;
  }
  if (child.status === "succeeded") {
    const result = yield* resultOf(ctx, child);
    const problems = unfitness(spec, result);
    if (problems.length === 0) {
      yield* endWait(ctx, parent, (change) => completeByServer(change, task, { result }));
      return;
    }
    const message = `the result of run ${child.id} is not what the step's output schema asks: ${listed(problems)}`;
    return yield* failTry(ctx, parent, { child, error: { type: "invalid_output", message } });
  }
  const [failed] = yield* tasksInState(child.id, "dead_letter", 1);
  const why = [child.reason, failed && `${failed.key}: ${failed.reasons[0]?.detail ?? "it failed"}`].filter(Boolean);
  const said = `run ${child.id} of workflow ${child.name} is ${child.status}${why.map((one) => `: ${one}`).join("")}`;
  const message = said.length > REASON_CHARS_MAX ? `${startOf(said, REASON_CHARS_MAX)}…` : said;
  yield* failTry(ctx, parent, { child, error: { type: "child_run_failed", message } });
}

/** The run was a try of its step: another one begins later, as the step's retry policy says, or the step has failed. */
function* failTry(
  ctx: EngineContext,
  parent: LockedTask,
  { child, error }: { child: Run; error: AttemptError },
): Tx<void> {
  const { task, spec, run } = parent;
  const failures = task.failures + 1;
  const again = run.stage !== "stopping" && mayRetry(spec.retry, failures, error.type);
  const endless = again && (yield* children.reachesDepth(child.id, RUN_DEPTH_MAX));
  if (!again || endless) {
    const why = endless ? `; it is not retried, because its descendants were ${RUN_DEPTH_MAX} levels deep` : "";
    const last = { ...error, message: error.message + why };
    yield* endWait(ctx, parent, (change) => failByServer(change, task, { error: last, counts: true }));
    return;
  }
  yield* saveSpec(task.id, withoutChild(spec));
  const change = new RunChange(ctx, run);
  yield* tryTaskAgain(change, task, { error, at: ctx.now + backoffMs(spec.retry, failures, ctx.random()) });
  yield* change.flush();
}

/** pending → waiting, for another run. It starts in a transaction of its own, as the first did. */
export function* waitForChildRun(ctx: EngineContext, { task, spec, run }: LockedTask): Tx<void> {
  const change = new RunChange(ctx, run);
  yield* startWaiting({ task: task.id, at: ctx.now, dueAt: ctx.now, closeBy: task.closeBy });
  change.move(task, transition(taskMachine, task, "wait"));
  const data = { key: task.key, kind: task.kind, workflow: spec.workflow ?? null };
  change.record({ type: "task.waiting", task: task.id, data });
  yield* change.flush();
  ctx.onDue?.();
}

/** Resolves the dead letter of a step whose child run was reopened and has succeeded, if the parent run can be reopened. */
function* resolveByChild(ctx: EngineContext, { task, spec, run }: LockedTask, child: Run): Tx<number | null> {
  // A stopping run can be reopened once its holders have ended their tasks.
  if (run.stage === "stopping" && run.endedAt === null) return ctx.now + CHECK_AGAIN_MS;
  const deadLetter = yield* openDeadLetterOf(task.id);
  const project = yield* ownProject(task);
  if (deadLetter === undefined || project.status === "archived" || isUndone(task, run) || !canReopenRun(run))
    return null;
  const result = yield* resultOf(ctx, child);
  if (unfitness(spec, result).length > 0) return null;
  const notes = `run ${child.id} was reopened and succeeded`;
  yield* resolveDeadLetter(ctx, { id: deadLetter, notes, result, by: SERVER });
  return null;
}

/** Returns a workflow step's result for expressions: its run, and the results of that run's last steps by key, where they fit. */
function* resultOf(ctx: EngineContext, child: Run): Tx<Record<string, unknown>> {
  const bytes = yield* children.sizeOfLastResults(child.id);
  const head = { run: child.id, status: child.status };
  if (bytes > ctx.settings.payload_bytes_max / 2) return { ...head, too_large_bytes: bytes };
  return { ...head, steps: yield* children.lastResults(child.id) };
}
