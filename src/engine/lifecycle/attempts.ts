import type { AttemptOutcome, TaskStatus } from "../../base/statuses.js";
import { type AttemptError, insertAttempt } from "../../store/tasks/attempts.js";
import { isExported } from "../../store/usage/exports.js";
import { closeAttempt, recordLoss } from "../../store/tasks/transitions.js";
import type { Reason, RetryPolicy, Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { HeldTask } from "./locked-task.js";
import { findDemand, saveDemands } from "../../store/scheduling/lanes.js";
import type { EndedAttempt } from "../effect.js";
import { demandAfterFailure, unreservedId, withUnreserved } from "../scheduling/demands.js";
import { countsFromBeginning } from "./leases.js";
import { unpark } from "../scheduling/parking.js";
import { taskType } from "../steps/task-type.js";
import { releaseTaskLocks } from "../locks/task-locks.js";
import { STOPPED } from "./stopping.js";
import { type TaskEvent, taskMachine } from "./machines.js";
import { transition } from "../machine.js";
import type { RunChange } from "./run-change.js";
import { earliest } from "../../base/time.js";
import { consumptionIn } from "../usage/consumption.js";
import { pricedUsage, type Usage } from "../usage/usage.js";

/** The end of an attempt. */
export interface AttemptEnd {
  readonly event: TaskEvent;
  readonly outcome: AttemptOutcome;
  readonly result?: unknown;
  readonly error?: AttemptError | undefined;
  readonly usage?: Usage | undefined;
  readonly note?: string | undefined;
  /** Whether it counts against the retry policy. */
  readonly counts?: boolean;
  /** A lost lease that counts as such, with the session that lost it. */
  readonly lost?: { readonly by: string | null } | undefined;
  /** Whether an automatic replay may follow, if the task becomes a dead letter. */
  readonly replayable?: boolean;
  /** When the next attempt may start. */
  readonly availableAt?: number | null;
  /** Why the task goes on without a holder where it is not an error. */
  readonly reasons?: readonly Reason[];
  /** Whether the task is taken away from its holder, whose token becomes stale. */
  readonly fenced?: boolean;
  /** Whether the caller frees the resources of the task: a transaction with more changes of the run does so after the last. */
  readonly keepsResources?: boolean;
}

/**
 * Ends the open attempt of a task: writes its row and its record, and releases its file locks. The run's counters and history are
 * written by the change. Returns the task as it is then. Errors: `invalid_input` for a usage that is none.
 */
export function* endAttempt(change: RunChange, locked: HeldTask, end: AttemptEnd): Tx<Task> {
  const { ctx } = change;
  const { task } = locked;
  const to = transition(taskMachine, task, end.event);
  const ended = yield* withoutReservation(afterAttempt(locked, to, { ...end, now: ctx.now }));
  const after = end.event === "retry" ? yield* forOthersFirst(ended, locked, end.outcome) : ended;
  if (end.lost) yield* recordLoss(task.id, end.lost.by);
  yield* closeAttempt(after, task.token);
  yield* insertAttempt({
    task: task.id,
    number: task.attempt,
    agent: task.agent ?? "",
    token: task.token,
    startedAt: task.startedAt ?? ctx.now,
    endedAt: ctx.now,
    outcome: end.outcome,
    result: end.result,
    error: end.error ?? null,
    usage: end.usage ?? null,
    note: noteOf(task, end),
    session: task.session,
  });
  const { outcome, event } = end;
  const hasResources = locked.spec.resources !== undefined && end.keepsResources !== true;
  change.recordAttempt({
    ...attemptOf(locked, ctx.now),
    outcome,
    submitted: event === "submit",
    hasResources,
    server: locked.spec.tool?.server,
    errorType: end.error?.type,
    consumed: task.kind === "command" && end.usage !== undefined ? consumptionIn(end.usage) : undefined,
  });
  const usage = pricedUsage(ctx, end.usage);
  // Its client has told what it used: the agent's own report would count it twice.
  if (usage && !(yield* isExported({ run: task.run, task: task.id, attempt: task.attempt }))) {
    const { id, project, run, role, agent, attempt } = task;
    change.recordUsage({ ...usage, project, run, task: id, attempt, agent, role, exported: false });
  }
  const failed = to === "dead_letter" && end.error !== undefined;
  change.move(task, to, failed ? { error: end.error, replayable: end.replayable === true } : undefined);
  if (to === "ready") change.enter(after);
  yield* freeFiles(change, locked);
  return after;
}

/** Returns the attempt of a held task that ends at an instant, for the effects of its end. */
export function attemptOf(
  { task, spec, hasBreaker }: HeldTask,
  now: number,
): Omit<EndedAttempt, "outcome" | "submitted"> {
  const durationMs = Math.max(0, now - (task.startedAt ?? now) - task.sleptMs);
  const { id, key, attempt: number, token, agent, startedAt } = task;
  return { task: id, key, number, token, agent, startedAt, type: taskType(task, spec), durationMs, hasBreaker };
}

/** Notes on the task's demand that its agent has failed it. A command or a call is carried out again by the same server. */
function* forOthersFirst(after: Task, { task }: HeldTask, outcome: AttemptOutcome): Tx<Task> {
  const hasFailed = outcome === "failed" || outcome === "timed_out";
  if (!hasFailed || task.agent === null || countsFromBeginning(task.kind)) return after;
  const before = yield* findDemand(after.demand);
  if (!before) return after;
  const demand = demandAfterFailure(before, task.agent);
  yield* saveDemands(withUnreserved(demand));
  return { ...after, demand: demand.id };
}

/** An offer to another agent ends with the task; until then a task that comes back is reserved for that agent. */
function* withoutReservation(task: Task): Tx<Task> {
  if (task.reservedFor === null || (task.endedAt === null && task.status !== "in_review")) return task;
  const demand = yield* findDemand(task.demand);
  if (!demand) throw new Error(`task ${task.id} has no demand`);
  return { ...task, demand: unreservedId(demand), reservedFor: null, reservedUntil: null };
}

/** The last note of the holder serves the next one where the end itself has none. */
function noteOf({ progressNote }: Task, { event, note }: AttemptEnd): string | null {
  return note ?? (isWorkDone(event) ? null : progressNote);
}

function isWorkDone(event: TaskEvent): boolean {
  return event === "complete" || event === "submit";
}

/** A task without its holder. Its token is higher when the work was taken away, the same when its holder ended it. */
function afterAttempt({ task, spec }: HeldTask, to: TaskStatus, end: AttemptEnd & { now: number }): Task {
  const ended = to !== "ready" && to !== "pending" && to !== "waiting" && to !== "in_review";
  const lost = end.lost ? 1 : 0;
  // A released task gets a new schedule_to_start window. Its place in the order does not depend on it.
  const startWithin = to === "ready" ? spec.timeouts.schedule_to_start : undefined;
  return {
    ...task,
    status: to,
    token: end.fenced === true ? task.token + 1 : task.token,
    failures: end.counts === true ? task.failures + 1 : task.failures,
    losses: isWorkDone(end.event) ? 0 : task.losses + lost,
    lossesTotal: task.lossesTotal + lost,
    lostBy: end.lost ? end.lost.by : task.lostBy,
    endedAt: ended ? end.now : null,
    availableAt: end.availableAt ?? null,
    // A released task keeps its place in the order: it has waited already.
    readyAt: to === "pending" ? null : startWithin === undefined ? task.readyAt : end.now,
    dueAt: ended
      ? null
      : earliest(end.availableAt, task.closeBy, task.reservedUntil, startWithin && end.now + startWithin),
    reasons: end.reasons ?? reasonsOf(to, end.error),
    agent: null,
    session: null,
    leaseExpiresAt: null,
    orders: null,
    holdsFiles: false,
  };
}

function reasonsOf(to: TaskStatus, error: AttemptError | undefined): readonly Reason[] {
  if (to === "blocked") return [STOPPED];
  return error && to === "dead_letter" ? [{ kind: error.type, detail: error.message, blocking: [] }] : [];
}

function* freeFiles(change: RunChange, { task, files }: HeldTask): Tx<void> {
  if (!files) return;
  const { freed, events } = yield* releaseTaskLocks(change.ctx, task.project, files.locks);
  change.append(events);
  if (files.parkedRuns.size > 0) yield* unpark(freed, new Set([...files.parkedRuns, task.run]));
}

/** Milliseconds to the next attempt: exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"). */
export function backoffMs(policy: RetryPolicy, failures: number, random: number): number {
  const ceiling = Math.min(
    policy.max_interval_ms,
    policy.initial_interval_ms * policy.backoff_coefficient ** Math.max(0, failures - 1),
  );
  return Math.floor(random * ceiling);
}

/** Whether a task may be tried again after so many counted failures. */
export function mayRetry(policy: RetryPolicy, failures: number, errorType: string): boolean {
  return failures < policy.max_attempts && !policy.non_retryable.includes(errorType);
}
