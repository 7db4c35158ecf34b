import { idOfCursor, type PageQuery, pageOf } from "../../base/lists/paging.js";
import * as deadLetters from "../../store/dead-letters/dead-letters.js";
import { type Attempt, attemptsOf } from "../../store/tasks/attempts.js";
import { isCompensation } from "../../store/child-runs/compensations.js";
import type { Run } from "../../store/runs/runs.js";
import { markReadsSpecOnStart, saveSpec } from "../../store/tasks/server-steps.js";
import { findTasks } from "../../store/tasks/lists.js";
import type { Reopening } from "../../store/tasks/reopenings.js";
import { findTaskAndSpec, type Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { requireAgent } from "../agents/agents.js";
import { reserveTask } from "../tasks/assignments.js";
import { completeByServer } from "../lifecycle/server-attempts.js";
import type { EngineContext } from "../context.js";
import { BatonError, callOperation, type NextCall } from "../../base/errors.js";
import { type LockedTask, lockTask } from "../lifecycle/locked-task.js";
import { iso } from "../../base/time.js";
import { changedSpec, type ReplayChanges } from "./replay-changes.js";
import { PLAN_EXAMPLE, expandPlan, leavePlanning, requirePlan } from "../tasks/plans.js";
import { findProject, requireUnarchived } from "../projects/projects.js";
import { allBlockedBehind, judgeAfresh, canReopenRun, reopen, reopenRun } from "../lifecycle/reopening.js";
import { type ChangedRun, RunChange } from "../lifecycle/run-change.js";
import { exampleResult } from "../steps/example-result.js";
import { listed, requireStorable, unfitness } from "../steps/output.js";
import { noSuchTask, requireRun } from "../lookup.js";
import { withTheirAgents } from "../tasks/queries.js";
import { taskLine } from "../tasks/views.js";

export type { DeadLetter } from "../../store/dead-letters/dead-letters.js";

export interface DeadLetterQuery extends Omit<deadLetters.DeadLetterFilter, "before">, PageQuery {}

/** A page of dead letters, newest first, each with its task. Errors: `not_found`. */
export function* listDeadLetterPage(ctx: EngineContext, query: DeadLetterQuery) {
  if (query.run !== undefined) yield* requireRun(query.run);
  const project = query.project === undefined ? undefined : (yield* findProject(ctx, query.project))?.id;
  const { run, status, cursor, limit } = query;
  const before = idOfCursor("dead", cursor);
  const found = yield* deadLetters.listDeadLetters({ run, project, status, before, limit: limit + 1 });
  const failed = yield* withTheirAgents(yield* findTasks(found.map(({ task }) => task)));
  const tasks = new Map(failed.map((task) => [task.id, task]));
  const { page, next } = pageOf(found, limit, ({ id }) => id);
  const lines = page.flatMap((deadLetter) => {
    const task = tasks.get(deadLetter.task);
    return task === undefined ? [] : [{ deadLetter, task }];
  });
  return { lines, next };
}

/** Returns pending dead letters in short, newest first. */
export function* pendingDeadLetters(ctx: EngineContext, limit: number) {
  const { lines } = yield* listDeadLetterPage(ctx, { status: "pending", limit });
  return {
    dead_letters: lines.map(({ deadLetter, task }) => ({
      id: deadLetter.id,
      task: taskLine(task),
      error: deadLetter.error,
      created_at: iso(deadLetter.createdAt),
    })),
  };
}

/** A dead letter with all that was known when its task ended. Errors: `not_found`. */
export function* deadLetterInFull(id: string) {
  const deadLetter = yield* requireDeadLetter(id);
  const found = yield* findTaskAndSpec(deadLetter.task);
  if (!found) throw noSuchTask(deadLetter.task);
  const [task = found.task] = yield* withTheirAgents([found.task]);
  const run = yield* requireRun(deadLetter.run);
  return {
    deadLetter,
    ...found,
    task,
    run,
    attempts: yield* attemptsOf(deadLetter.task),
    blocked: yield* allBlockedBehind([deadLetter.task]),
  };
}

/** Returns the partial results of attempts that did not succeed, by their numbers: the newest that fit into so many bytes together. */
export function partialResults(attempts: readonly Attempt[], bytesMax: number): ReadonlyMap<number, unknown> {
  const kept = new Map<number, unknown>();
  let bytes = 0;
  for (const { number, outcome, result } of attempts.toReversed()) {
    if (outcome === "succeeded" || result === null) continue;
    bytes += Buffer.byteLength(JSON.stringify(result));
    if (bytes > bytesMax) break;
    kept.set(number, result);
  }
  return kept;
}

function* requireDeadLetter(id: string): Tx<deadLetters.DeadLetter> {
  const deadLetter = yield* deadLetters.findDeadLetter(id);
  if (deadLetter) return deadLetter;
  throw new BatonError("not_found", `There is no dead letter ${id}.`, {
    details: { id },
    next: [{ tool: "query_operation", arguments: { name: "list_dead_letters", arguments: {} } }],
  });
}

/** Errors: `invalid_transition` where a run was cancelled, or is about to be. */
function requireReopenable({ id, key }: Task, run: Run): void {
  if (run.stage === "stopping" || canReopenRun(run)) return;
  const message = `Run ${run.id} is ${run.status}: it cannot be reopened, so ${key} cannot be tried again. Discard the dead letter, or start another run.`;
  throw new BatonError("invalid_transition", message, {
    details: { run: run.id, status: run.status, task: id },
    next: [
      { tool: "find_operations", arguments: { query: "discard_dead_letter" } },
      { tool: "get_run", arguments: { run: run.id } },
    ],
  });
}

/** A pending dead letter with its task locked. Errors: `not_found`, `invalid_transition` for one that was dealt with. */
function* lockDeadLetter(id: string): Tx<{ deadLetter: deadLetters.DeadLetter; locked: LockedTask }> {
  const { project, task } = yield* requireDeadLetter(id);
  yield* requireUnarchived(project);
  const locked = yield* lockTask(task);
  const deadLetter = yield* requireDeadLetter(id);
  if (deadLetter.status === "pending" && locked.task.status === "dead_letter") return { deadLetter, locked };
  // A task that has failed again has another dead letter, which is pending.
  const reopenable = locked.task.status === "dead_letter" && canReopenRun(locked.run);
  const discarded = deadLetter.status === "discarded" && reopenable;
  const rest = discarded
    ? "all failed tasks of its run can still be reopened together"
    : "there is nothing to do about it";
  const message = `Dead letter ${id} is ${deadLetter.status}, and its task ${locked.task.key} is ${locked.task.status}: ${rest}.`;
  const retry = { tool: "control_run", arguments: { run: locked.run.id, action: "retry_failed" } };
  throw new BatonError("invalid_transition", message, {
    details: { id, status: deadLetter.status, task: locked.task.id, task_status: locked.task.status },
    next: [...(discarded ? [retry] : []), { tool: "get_task", arguments: { task: locked.task.id } }],
  });
}

export interface DeadLetterOutcome extends ChangedRun {
  readonly deadLetter: string;
  readonly task: Task;
  readonly ready: readonly Task[];
}

export interface Replay {
  readonly id: string;
  readonly changes?: ReplayChanges | undefined;
  readonly note?: string | undefined;
  readonly by: string;
}

/**
 * Reopens the task in its run, with the changes asked for, and the tasks it blocked. Errors: those of `lockDeadLetter` and
 * `changedSpec`, `not_found` for an unknown agent.
 */
export function* replayDeadLetter(ctx: EngineContext, { id, changes = {}, note, by }: Replay): Tx<DeadLetterOutcome> {
  const { locked } = yield* lockDeadLetter(id);
  const keptFor = changes.agent === undefined ? undefined : yield* requireAgent(changes.agent);
  const spec = yield* changedSpec(ctx, locked, changes);
  yield* saveSpec(locked.task.id, spec);
  if (spec.dynamic) yield* markReadsSpecOnStart(locked.task.id);
  const handled = yield* reopenDeadLetter(ctx, { id, locked, note, by });
  if (keptFor && handled.task.endedAt === null)
    yield* reserveTask(ctx, { ...locked, task: handled.task, run: handled.run }, keptFor.name);
  return handled;
}

export interface Reopened {
  readonly id: string;
  /** Its task. */
  readonly locked: LockedTask;
  readonly note?: string | undefined;
  readonly by: string;
  /** Set for an automatic replay: its number, and how many there are at most. */
  readonly automatic?: { readonly replay: number; readonly of: number };
}

/** Opens the task of a pending dead letter again, and what it blocked. */
export function* reopenDeadLetter(ctx: EngineContext, reopened: Reopened): Tx<DeadLetterOutcome> {
  const { id, locked, note, by, automatic } = reopened;
  const { task } = locked;
  const blocked = yield* blockedBy(locked);
  const change = yield* reopenRun(ctx, locked.run);
  const opened = [
    ...(yield* reopen(change, { tasks: [task.id], from: "dead_letter" })),
    ...(yield* reopen(change, blocked)),
  ];
  const closing = {
    id,
    to: "replayed",
    at: ctx.now,
    by,
    note: note ?? null,
    automatic: automatic !== undefined,
  } as const;
  yield* deadLetters.closeDeadLetter(closing);
  const data = { key: task.key, dead_letter: id, ...(automatic && { automatic: true, ...automatic }) };
  const isOpen = opened.some((one) => one.id === task.id && one.status === "pending");
  if (isOpen) change.record({ type: "task.replayed", task: task.id, agent: by, data });
  const ready = yield* judgeAfresh(change, opened);
  const changed = yield* change.flush();
  const after = (yield* findTaskAndSpec(task.id))?.task ?? task;
  return { deadLetter: id, task: after, ready, ...changed };
}

/** Returns the tasks that a failed one blocks: in a run that stopped on it, all that had not begun. */
function* blockedBy({ task, run }: LockedTask): Tx<Reopening> {
  requireUndoable(task, run);
  requireReopenable(task, run);
  if (run.stage === "stopping") return { run: run.id, from: "blocked" };
  return { tasks: yield* allBlockedBehind([task.id]), from: "blocked" };
}

/** Whether what a task was part of is undone, or about to be: then it cannot go on. */
export function isUndone(task: Task, run: Run): boolean {
  if (run.status !== "compensating" && run.stage !== "undoing") return false;
  return run.stage !== "undoing" || !isCompensation(task);
}

/** Errors: `invalid_transition` where what the task was part of is being undone. */
function requireUndoable(task: Task, run: Run): void {
  if (!isUndone(task, run)) return;
  const message = `Run ${run.id} is ${run.status}: what it did is undone, so ${task.key} cannot go on in it. Start another run.`;
  throw new BatonError("invalid_transition", message, {
    details: { run: run.id, status: run.status, task: task.id },
    next: [{ tool: "get_run", arguments: { run: run.id } }],
  });
}

export interface Resolution {
  readonly id: string;
  readonly notes: string;
  readonly result?: unknown;
  readonly by: string;
}

/**
 * Completes a dead-lettered task with a result obtained elsewhere and unblocks its dependents. Errors: `invalid_input`
 * too.
 */
export function* resolveDeadLetter(ctx: EngineContext, { id, notes, result, by }: Resolution): Tx<DeadLetterOutcome> {
  const { locked } = yield* lockDeadLetter(id);
  const { task, spec } = locked;
  requireNoReview(locked, id);
  requirePerson(ctx, task, id);
  const given = {
    result,
    again: {
      said: STILL_PENDING,
      next: resolveAgain(id, task.kind === "plan" ? PLAN_EXAMPLE : exampleResult(spec.output)),
    },
  };
  requireStorable(ctx, task, given);
  const problems = unfitness(spec, result);
  if (problems.length > 0) {
    const message = `The result is not what the step's output schema asks: ${listed(problems)}. ${STILL_PENDING}`;
    throw new BatonError("invalid_input", message, {
      details: { problems, output: spec.output },
      next: [given.again.next],
    });
  }
  const blocked = yield* blockedBy(locked);
  const plan = task.kind === "plan" ? yield* requirePlan(ctx, locked, given) : undefined;
  const change = yield* reopenRun(ctx, plan ? yield* leavePlanning(locked.run) : locked.run);
  const settled = yield* completeByServer(change, task, { result, by });
  if (plan) yield* expandPlan(change, settled.task, { ...plan, author: by });
  const reopened = yield* reopen(change, blocked);
  yield* deadLetters.closeDeadLetter({ id, to: "resolved", at: ctx.now, by, note: notes });
  const ready = yield* judgeAfresh(change, [task, ...reopened]);
  return { deadLetter: id, task: settled.task, ready, ...(yield* change.flush()) };
}

const STILL_PENDING = "The dead letter is still pending: correct the result and resolve it again.";

function resolveAgain(id: string, result: unknown): NextCall {
  return {
    tool: "call_operation",
    arguments: { name: "resolve_dead_letter", arguments: { id, notes: "…", result } },
  };
}

/** Errors: `invalid_transition` for a reviewer's task: its result is a verdict, which decides about another task. */
function requireNoReview({ task: { id, key, run, role }, spec }: LockedTask, deadLetter: string): void {
  if (spec.review_of === undefined) return;
  const message = `Task ${key} (${id}) reviews ${spec.review_of}: its result is a verdict, which is given with submit_review. Replay the dead letter, claim the review and decide it. Nothing was changed.`;
  throw new BatonError("invalid_transition", message, {
    details: { id: deadLetter, task: id, review_of: spec.review_of },
    next: [
      callOperation("replay_dead_letter", { id: deadLetter }),
      { tool: "claim_task", arguments: { run, ...(role !== null && { roles: [role] }) } },
      callOperation("submit_review", { task: id, verdict: "approve" }),
    ],
  });
}

/** The result of a human step is a person's decision, which only a person's channel can give. */
function requirePerson(ctx: EngineContext, { kind, key }: Task, deadLetter: string): void {
  if (kind !== "human" || ctx.caller.channel === "human") return;
  const message = `Task ${key} asks a person: its result can only be given at a terminal or in a form. Replayed, the question is asked anew.`;
  throw new BatonError("not_permitted", message, {
    details: { deadLetter, kind, allowed: ["human"] },
    next: [{ tool: "call_operation", arguments: { name: "replay_dead_letter", arguments: { id: deadLetter } } }],
  });
}

/** Says that nothing will be done about it. The task stays as it is. */
export function* discardDeadLetter(ctx: EngineContext, { id, notes, by }: Omit<Resolution, "result">): Tx<Task> {
  const { locked } = yield* lockDeadLetter(id);
  yield* deadLetters.closeDeadLetter({ id, to: "discarded", at: ctx.now, by, note: notes });
  const change = new RunChange(ctx, locked.run);
  change.record({ type: "task.discarded", task: locked.task.id, agent: by, data: { key: locked.task.key, notes } });
  yield* change.writeHistory();
  return locked.task;
}
