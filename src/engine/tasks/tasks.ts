import { findAgent } from "../../store/agents/agents.js";
import type { Attempt, AttemptError } from "../../store/tasks/attempts.js";
import { endTasks } from "../../store/tasks/transitions.js";
import { dependentsInState, tasksInState } from "../../store/tasks/lists.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { backoffMs, endAttempt, mayRetry } from "../lifecycle/attempts.js";
import type { Usage } from "../usage/usage.js";
import { failureReason } from "../lifecycle/server-attempts.js";
import { recordSigns } from "../agents/presence.js";
import { type WaitingMessages, waitingMessages } from "../channels/unread.js";
import type { EngineContext } from "../context.js";
import { BatonError } from "../../base/errors.js";
import { ageingBucket } from "../scheduling/order.js";
import { setPlace } from "../../store/tasks/revisions.js";
import { callerOf, type OtherCaller, requireHolder } from "../agents/holder.js";
import { lockByToken, type LockedTask, requireHeld, staleToken, type TaskToken } from "../lifecycle/locked-task.js";
import { takesWork } from "../lifecycle/run-state.js";
import { type FreedLocks, freedOf } from "../locks/wide-locks.js";
import { type LeaseTerms, leaseTerms, renewLease, countsFromBeginning, interruption } from "../lifecycle/leases.js";
import { type Settled, taskMachine } from "../lifecycle/machines.js";
import { transition } from "../machine.js";
import { PLAN_EXAMPLE, expandPlan, leavePlanning, planCompleted, type PlanReading, requirePlan } from "./plans.js";
import { type ChangedRun, RunChange, type TaskChanged } from "../lifecycle/run-change.js";
import { settleDependents } from "../lifecycle/dependents.js";
import { exampleResult } from "../steps/example-result.js";
import { type GivenOutputs, isLarge, isStubOf, storeOutputs, stubOf } from "./outputs.js";
import type { Artifact } from "../artifacts/artifacts.js";
import { asAsked, listed, requireFlawless, requireStorable, unfitness } from "../steps/output.js";
import { cancelHeld, withdrawReviews } from "./cancellation.js";
import type { DecidedReview } from "../reviews/verdicts.js";
import {
  decidedBefore,
  diffForReview,
  follow,
  type GivenDiff,
  isToBeReviewed,
  reviewDecided,
} from "./reviewed-completion.js";

export interface Completion extends TaskToken, GivenOutputs, GivenDiff {
  readonly result?: unknown;
  readonly usage?: Usage | undefined;
  readonly note?: string | undefined;
  /** The steps of a plan, where they were read before the transaction. */
  readonly reading?: PlanReading | undefined;
}

export interface TaskCompleted extends TaskChanged {
  /** Undefined where no message waits for the agent. */
  readonly messages?: WaitingMessages | undefined;
  /** Artifacts that the completion brought. */
  readonly artifacts: readonly Artifact[];
  /** The outcome of a review, where the task was that of its reviewer. */
  readonly decided?: DecidedReview;
  /** The files that it had locked for itself; undefined where it had none. */
  readonly freed?: FreedLocks | undefined;
}

/**
 * Ends the attempt of a token well and lets the dependents go on. The same call again gets the same answer. Errors: `stale_token`,
 * `limit_exceeded` for a plan over the inline limit, `invalid_input` for one that is not what the step's schema asks; the
 * attempt then still runs.
 */
export function* completeTask(ctx: EngineContext, completion: Completion): Tx<TaskCompleted> {
  const { usage, note, reading } = completion;
  const found = yield* lockByToken(ctx, completion);
  if ("ended" in found) {
    const result = asAsked(found.ended.spec, completion.result);
    yield* requireHolder(ctx, { ...found.ended, holder: found.ended.attempt }, completion);
    return yield* completedBefore(found.ended, { ...completion, result });
  }
  const { held } = found;
  const asked = asAsked(held.spec, completion.result);
  requireSound(ctx, held, asked);
  const verdict = yield* reviewDecided(held, asked);
  const artifacts = completion.artifacts === undefined ? [] : yield* storeOutputs(ctx, held, completion);
  const result = isLarge(ctx, held.task, asked) ? yield* stubOf(ctx, held, { ...completion, result: asked }) : asked;
  // The plan of a run that comes to its end already is kept as a result, and nothing is begun of it.
  const expands = held.task.kind === "plan" && takesWork(held.run);
  const plan = expands ? yield* requirePlan(ctx, held, { ...planCompleted(held, result), reading }) : undefined;
  const change = new RunChange(ctx, plan ? yield* leavePlanning(held.run) : held.run, held.counters);
  const diff = yield* diffForReview(ctx, held, completion);
  const [event, said] = isToBeReviewed(held)
    ? (["submit", "task.submitted"] as const)
    : (["complete", "task.succeeded"] as const);
  const ended = yield* endAttempt(change, held, { event, outcome: "succeeded", result, usage, note });
  const task = plan ? yield* expandPlan(change, ended, { ...plan, author: held.task.agent }) : ended;
  change.recordTask(held.task, said, {
    token: held.task.token,
    attempt: task.attempt,
    ...callerOf(ctx, held.task, completion),
  });
  const followed = yield* follow(change, { held, task, verdict, diff });
  const changed = yield* change.flush();
  const { locks = [], parkedRuns } = held.files ?? {};
  const freed = freedOf(locks, { until: ctx.now, isAwaited: (parkedRuns?.size ?? 0) > 0 });
  return { task, ...followed, ...changed, messages: yield* messagesOfHolder(held), artifacts, freed };
}

/** Counts the messages that wait for the holder of a task. */
function* messagesOfHolder({ task, hasNews }: LockedTask): Tx<WaitingMessages | undefined> {
  const holder = hasNews === true ? yield* findAgent(task.agent ?? "") : undefined;
  return holder && (yield* waitingMessages(holder, task.project));
}

function* completedBefore(ended: LockedTask & { attempt: Attempt }, again: Completion): Tx<TaskCompleted> {
  const kept = ended.attempt.result ?? null;
  const same = JSON.stringify(kept) === JSON.stringify(again.result ?? null) || isStubOf(kept, again.result ?? null);
  const { status } = ended.task;
  if (ended.attempt.outcome !== "succeeded" || (status !== "succeeded" && status !== "in_review")) {
    throw staleToken(ended, again.token, ended.attempt);
  }
  if (!same) throw otherResult(ended, again.token);
  const decided = yield* decidedBefore(ended);
  const ready = yield* dependentsInState((decided?.task ?? ended.task).id, "ready");
  const { task, run, counters } = ended;
  return { task, ready, run, counters, artifacts: [], ...(decided && { decided }) };
}

function otherResult({ task }: LockedTask, token: number): BatonError {
  const message = `Task ${task.key} (${task.id}) was completed under token ${token} already, with another result, which stands. Nothing was changed.`;
  return new BatonError("conflict", message, {
    details: { task: task.id, status: task.status, token },
    next: [{ tool: "get_task", arguments: { task: task.id, include: ["result"] } }],
  });
}

function requireSound(ctx: EngineContext, { task, spec }: LockedTask, result: unknown): void {
  const example = task.kind === "plan" ? PLAN_EXAMPLE : exampleResult(spec.output);
  const next = { tool: "complete_task", arguments: { task: task.id, token: task.token, result: example } };
  const given = { result, again: { said: "The task is still yours.", next } };
  // Any other result over the bound becomes an artifact.
  if (task.kind === "plan") requireStorable(ctx, task, given);
  else requireFlawless(task, given);
  const problems = unfitness(spec, result);
  if (problems.length === 0) return;
  const message = `The result of task ${task.key} is not what its output schema asks: ${listed(problems)}. The task is still yours: mend the result and complete it again.`;
  throw new BatonError("invalid_input", message, {
    details: { task: task.id, problems, output: spec.output },
    next: [next],
  });
}

export interface FailRequest extends TaskToken, Omit<AttemptFailure, "outcome" | "fenced" | "caller"> {}

export interface TaskFailed extends TaskChanged {
  readonly outcome: "retry" | "dead_letter" | "cancelled";
  readonly retryAt: number | null;
  /** Ids of the tasks that can no longer start because of it, at any distance. */
  readonly blocked: readonly string[];
  /** How many more there are than are named. */
  readonly blockedMore: number;
}

/** Ids of blocked tasks that an answer names. */
const BLOCKED_SHOWN_MAX = 200;

/** Ends the attempt of a token badly: the retry policy decides whether there is another. Errors: `stale_token`. */
export function* failTask(ctx: EngineContext, failure: FailRequest): Tx<TaskFailed & { holder: string | null }> {
  const held = yield* requireHeld(ctx, failure);
  const failed = yield* failAttempt(ctx, held, {
    ...failure,
    outcome: "failed",
    fenced: false,
    caller: callerOf(ctx, held.task, failure),
  });
  return { ...failed, holder: held.task.agent };
}

/** A failure of an attempt, reported by its holder or found by the server. */
export interface AttemptFailure {
  readonly error: AttemptError;
  readonly partial_result?: unknown;
  readonly retryable?: boolean | undefined;
  readonly usage?: Usage | undefined;
  readonly outcome: "failed" | "timed_out" | "lease_lost" | "released";
  readonly note?: string | undefined;
  /** A lost lease that counts as such. */
  readonly lost?: { readonly by: string | null } | undefined;
  /** False where it must not be tried again without a person's word. Default: unless its type, or the caller, calls it final. */
  readonly replayable?: boolean;
  /** The holder did not say so itself; its token becomes old. */
  readonly fenced: boolean;
  /** The maker of the report, where that was not the holder. */
  readonly caller?: OtherCaller | undefined;
}

export function* failAttempt(ctx: EngineContext, held: LockedTask, failure: AttemptFailure): Tx<TaskFailed> {
  const { error, usage, outcome, fenced } = failure;
  const { retry } = held.spec;
  const failures = held.task.failures + 1;
  if (held.task.orders === "cancel_requested") {
    const changed = yield* cancelHeld(ctx, held, { note: error.message, usage, caller: failure.caller });
    return { ...changed, outcome: "cancelled", retryAt: null, blocked: [], blockedMore: 0 };
  }
  // A run that stops gives nothing out any more.
  const again = failure.retryable !== false && held.run.stage !== "stopping" && mayRetry(retry, failures, error.type);
  const retryAt = again ? ctx.now + backoffMs(retry, failures, ctx.random()) : null;
  const change = new RunChange(ctx, held.run, held.counters);
  const task = yield* endAttempt(change, held, {
    event: again ? "retry" : "exhaust",
    outcome,
    result: failure.partial_result,
    error,
    usage,
    counts: true,
    replayable: failure.replayable ?? (failure.retryable !== false && !retry.non_retryable.includes(error.type)),
    fenced,
    lost: failure.lost,
    note: failure.note,
    availableAt: retryAt,
  });
  change.recordTask(held.task, again ? "task.retry" : "task.dead_letter", {
    token: held.task.token,
    attempt: task.attempt,
    outcome,
    error: { type: error.type, message: error.message },
    ...failure.caller,
    ...(retryAt === null ? {} : { retry_at: retryAt }),
  });
  const settled = again ? [] : [{ task, as: "failed" as const, reason: failureReason(task, error) }];
  const ready = yield* settleDependents(change, settled);
  const changed = yield* change.flush();
  const to = again ? "retry" : "dead_letter";
  return { task, ready, ...changed, outcome: to, retryAt, ...(yield* blockedBy(change, changed)) };
}

/** The tasks that a change has blocked: where it has stopped the run, all that had no holder. */
function* blockedBy(change: RunChange, { run, counters }: ChangedRun): Tx<Pick<TaskFailed, "blocked" | "blockedMore">> {
  const stopped = run.stage === "stopping" && change.run.stage !== "stopping";
  const ids = stopped
    ? (yield* tasksInState(run.id, "blocked", BLOCKED_SHOWN_MAX)).map(({ id }) => id)
    : change.blocked.toSorted();
  const blocked = ids.slice(0, BLOCKED_SHOWN_MAX);
  return { blocked, blockedMore: (stopped ? counters.blocked : ids.length) - blocked.length };
}

export interface Release extends TaskToken, Pick<GivingBack, "note" | "usage" | "begun"> {}

/**
 * Releases a task unharmed: it keeps its place in the order and no attempt is counted, but for a command or tool step that has begun.
 * Errors: `stale_token`.
 */
export function* releaseTask(ctx: EngineContext, release: Release): Tx<TaskChanged> {
  const held = yield* requireHeld(ctx, release);
  return yield* giveBack(ctx, held, {
    outcome: "released",
    fenced: false,
    ...release,
    caller: callerOf(ctx, held.task, release),
  });
}

const STOPPED = { released: "released after it was cancelled", lease_lost: "its holder was gone" } as const;

/** The ways in which a task goes back to the queue without a failure. */
export interface GivingBack {
  readonly outcome: "released" | "lease_lost";
  readonly fenced: boolean;
  readonly note?: string | undefined;
  readonly usage?: Usage | undefined;
  readonly begun?: boolean | undefined;
  /** Why the lease was lost, where the holder lives. */
  readonly error?: AttemptError | undefined;
  readonly lost?: { readonly by: string | null } | undefined;
  readonly caller?: OtherCaller | undefined;
}

/**
 * A released task whose holder was asked to stop is cancelled instead of becoming ready. A command or tool step that has begun fails:
 * its attempt counts, and its retry policy decides.
 */
export function* giveBack(ctx: EngineContext, locked: LockedTask, giving: GivingBack): Tx<TaskChanged> {
  if (locked.task.orders === "cancel_requested")
    return yield* cancelHeld(ctx, locked, { ...giving, note: STOPPED[giving.outcome] });
  const held = locked.task.orders === "preempted" ? yield* behindOthers(ctx, locked) : locked;
  const { outcome, fenced, usage, note, error, lost } = giving;
  if (countsFromBeginning(held.task.kind) && giving.begun !== false)
    return yield* failAttempt(ctx, held, { ...giving, error: interruption(held.task, outcome), replayable: false });
  const change = new RunChange(ctx, held.run, held.counters);
  const back = outcome === "released" ? "release" : "lose_lease";
  const event = change.stopping ? "block" : back;
  const task = yield* endAttempt(change, held, { event, outcome, fenced, usage, note, error, lost });
  change.recordTask(held.task, `task.${outcome}`, {
    token: held.task.token,
    attempt: task.attempt,
    ...(error && { error }),
    ...(lost && { losses: task.losses }),
    ...giving.caller,
  });
  return { task, ready: [], ...(yield* change.flush()) };
}

/** A task that gives way waits anew: the one that it gives way to comes first. */
function* behindOthers({ now, settings }: EngineContext, held: LockedTask): Tx<LockedTask> {
  const bucket = ageingBucket(now, held.task.priority, settings.ageing_ms);
  const task = { ...held.task, readyAt: now, bucket };
  yield* setPlace(task);
  return { ...held, task };
}

export interface Progress extends TaskToken {
  readonly percent?: number | undefined;
  readonly note?: string | undefined;
}

export interface ProgressAnswer {
  readonly task: Task;
  readonly orders: "continue" | "paused" | "deadline_passed" | "cancel_requested" | "preempted";
  readonly lease: LeaseTerms;
  /** Undefined where no message waits for the agent. */
  readonly messages: WaitingMessages | undefined;
}

/** A sign of life: renews the lease and says what to do. Errors: `stale_token`. */
export function* reportProgress(ctx: EngineContext, progress: Progress): Tx<ProgressAnswer> {
  const held = yield* requireHeld(ctx, progress);
  const { task, run } = held;
  const { percent = null, note = null } = progress;
  if (task.agent !== null && task.agent !== (progress.agent ?? ctx.caller.agent))
    yield* recordSigns(ctx, [{ agent: task.agent, agoMs: 0 }]);
  const lease = yield* renewLease(ctx, held, { percent, note });
  const caller = callerOf(ctx, task, progress);
  // Another session takes the lease over: the history says so, also where there is nothing else to say.
  if (note !== null || percent !== null || typeof caller.by_session === "string") {
    const change = new RunChange(ctx, run);
    change.recordTask(task, "task.progress", { percent, note, ...caller });
    yield* change.writeHistory();
  }
  const orders = task.orders ?? (run.status === "paused" ? "paused" : deadlinePassed(ctx, task, run.deadline));
  return { task, orders, lease: leaseTerms(ctx, lease), messages: yield* messagesOfHolder(held) };
}

function deadlinePassed(ctx: EngineContext, task: Task, deadline: number | null): "deadline_passed" | "continue" {
  const late = deadline !== null && ctx.now > deadline;
  return late || (task.closeBy !== null && ctx.now > task.closeBy) ? "deadline_passed" : "continue";
}

/** Ends a task that has waited too long to be taken. */
export function* expireUnheld(ctx: EngineContext, locked: LockedTask, error: AttemptError): Tx<TaskChanged> {
  const { task, run } = locked;
  const to = transition(taskMachine, task, "expire");
  const change = new RunChange(ctx, run);
  const reasons = [{ kind: error.type, detail: error.message, blocking: [] }];
  yield* endTasks([task.id], { from: task.status, to, at: ctx.now, reasons });
  change.move(task, to, { error, replayable: false });
  const withdrawn = yield* withdrawReviews(change, task, error.message);
  change.record({ type: "task.dead_letter", task: task.id, data: { key: task.key, error } });
  const ended: Task = { ...task, status: to, reasons, endedAt: ctx.now };
  const failed: Settled = { task: ended, as: "failed", reason: failureReason(ended, error) };
  const ready = yield* settleDependents(change, [...withdrawn, failed]);
  return { task: ended, ready, ...(yield* change.flush()) };
}
