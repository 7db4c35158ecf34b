import type { StepKind } from "../../base/statuses.js";
import type { Demand } from "../../store/scheduling/lanes.js";
import { findSession } from "../../store/presence/sessions.js";
import { type AttemptError, lostAttempts } from "../../store/tasks/attempts.js";
import type { Task, TaskAndSpec, Timeouts } from "../../store/tasks/tasks.js";
import { recordHeartbeat } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { earliest } from "../../base/time.js";
import { unreservedId } from "../scheduling/demands.js";

/**
 * A lease bounds how long a holder keeps its task. That of an agent with a session lives with the session, so its own expiry is at
 * once; an agent without a process has only its own, renewed by every call.
 */
export interface Lease {
  readonly session: string | null;
  readonly expiresAt: number;
}

export function newLease(ctx: EngineContext): Lease {
  const session = ctx.caller.session?.id ?? null;
  return { session, expiresAt: session === null ? ctx.now + ctx.settings.lease_ms : ctx.now };
}

/** A held task as its next attempt begins, by a claim or a handoff: a new token and lease, and no reservation any more. */
export function begunBy(
  ctx: EngineContext,
  { task, spec }: TaskAndSpec,
  { agent, demand }: { readonly agent: string; readonly demand: Demand },
): Task {
  const lease = newLease(ctx);
  const timed = { ...task, startedAt: ctx.now, sleptMs: 0 };
  return {
    ...timed,
    status: "running",
    agent,
    session: lease.session,
    // A reservation ends with the claim: should the task come back, it is open to every agent.
    demand: unreservedId(demand),
    reservedFor: null,
    reservedUntil: null,
    token: nextToken(ctx, task),
    attempt: task.attempt + 1,
    progressNote: null,
    leaseExpiresAt: lease.expiresAt,
    dueAt: runningDueAt(ctx, timed, { timeouts: spec.timeouts, lease }),
  };
}

const TOKEN_STEP_MAX = 100_000_000;

/** Tokens of a task only grow, by steps that cannot be guessed: the next holder's is known to no other agent. */
function nextToken(ctx: EngineContext, { token }: Pick<Task, "token">): number {
  return token + 1 + Math.floor(ctx.random() * TOKEN_STEP_MAX);
}

/**
 * Renews the lease of a held task. A call that the holder makes from a shell leaves the task with its session; the lease's own time is
 * longer then, so that the task outlives a session that has just ended.
 */
export function* renewLease(ctx: EngineContext, { task, spec }: TaskAndSpec, said: Said = NOTHING_SAID): Tx<Lease> {
  const own = newLease(ctx);
  const lease = { ...own, session: own.session ?? task.session };
  yield* recordHeartbeat({
    task: task.id,
    token: task.token,
    session: own.session,
    at: ctx.now,
    leaseExpiresAt: lease.expiresAt,
    dueAt: runningDueAt(ctx, task, { timeouts: spec.timeouts, lease }),
    ...said,
  });
  return lease;
}

/** The holder's word on its progress. */
export interface Said {
  readonly percent: number | null;
  readonly note: string | null;
}

const NOTHING_SAID: Said = { percent: null, note: null };

/** For a server that carries out a command or tool step to end it at its time limit, and to report what it came to. */
const REPORT_MS = 5_000;

type RunningTask = Pick<Task, "kind" | "startedAt" | "closeBy" | "sleptMs">;

/** When the time limits of a running task are taken to have passed: its executor ends a command or a call itself, and then reports. */
export function limitsOf(ctx: EngineContext, task: RunningTask, timeouts: Timeouts) {
  const reportMs = countsFromBeginning(task.kind) ? REPORT_MS : 0;
  return {
    startToClose: (task.startedAt ?? ctx.now) + timeouts.start_to_close + task.sleptMs + reportMs,
    scheduleToClose: task.closeBy === null ? null : task.closeBy + reportMs,
  };
}

/** When a running task is due: at a timeout, or at the end of a lease without a session. */
export function runningDueAt(
  ctx: EngineContext,
  task: RunningTask,
  { timeouts, lease, heardAt = ctx.now }: { timeouts: Timeouts; lease: Lease; heardAt?: number },
): number {
  const { startToClose, scheduleToClose } = limitsOf(ctx, task, timeouts);
  const heardBy = timeouts.heartbeat === undefined ? null : heardAt + timeouts.heartbeat;
  const leaseEnd = lease.session === null ? lease.expiresAt : null;
  return earliest(startToClose, heardBy, scheduleToClose, leaseEnd) ?? startToClose;
}

/** A lease as it is told to its holder. */
export interface LeaseTerms {
  readonly expiresAt: number;
  /** When the holder counts as silent, if it makes no further call; null for one that never does. */
  readonly silentAt: number | null;
  /** How it is renewed, in a sentence. */
  readonly renews: string;
}

/** The terms of a lease for the holder, whose call this is. */
export function leaseTerms(ctx: EngineContext, lease: Lease): LeaseTerms {
  const { silence_ms, session_ttl_ms } = ctx.settings;
  const silentAt = ctx.caller.channel === "executor" ? null : ctx.now + silence_ms;
  if (lease.session === null)
    return { expiresAt: lease.expiresAt, silentAt, renews: "by each call under your handle; it ends at expires_at" };
  return { expiresAt: ctx.now + session_ttl_ms, silentAt, renews: renewsWithConnection(silence_ms) };
}

/** The sentence about a lease that a server process renews. */
export function renewsWithConnection(silenceMs: number): string {
  return `by itself, with this connection; after ${inWords(silenceMs)} without a call you are silent, and who wants the task gets it`;
}

function inWords(ms: number): string {
  const minutes = ms / 60_000;
  return minutes >= 1 ? `${Math.round(minutes * 10) / 10} min` : `${ms / 1000} s`;
}

/** The latest start of a ready task, in ms since the epoch. */
export function startByOf({ task, spec }: TaskAndSpec): number | null {
  const within = spec.timeouts.schedule_to_start;
  return task.readyAt === null || within === undefined ? null : task.readyAt + within;
}

/** Leases lost in all, however much was done in between. */
const LOSSES_TOTAL_MAX = 20;

/** More than a task can have: some may have been lost by silence. */
const ATTEMPTS_READ_MAX = 100;
/** Type of the error of an attempt that was lost by silence. */
export const SILENT = "silent";

/** Whether an attempt counts from its beginning: what a command or a tool has done is not undone by ending it. */
export function countsFromBeginning(kind: StepKind): boolean {
  return kind === "command" || kind === "tool";
}

/** The error of a command or tool step whose server ended before it had reported. */
export function interruption(task: Task, outcome: "released" | "lease_lost"): AttemptError {
  const how = outcome === "released" ? "stopped" : "was gone";
  return {
    type: "interrupted",
    message: `${task.agent ?? "its executor"} ${how} while the ${task.kind} step was under way: it may have been carried out`,
  };
}

/**
 * The error of a task that has lost so many leases, this one included, that it is not given out again; undefined while it may be.
 * Names the holders: something about the task may end them.
 */
export function* fatalLoss(ctx: EngineContext, task: Task): Tx<AttemptError | undefined> {
  const [inARow, total] = [task.losses + 1, task.lossesTotal + 1];
  const max = ctx.settings.max_losses;
  if (inARow < max && total < LOSSES_TOTAL_MAX) return undefined;
  const count = inARow >= max ? inARow : total;
  const many = inARow >= max ? `${inARow} leases in a row` : `${total} leases in all`;
  const before = (yield* lostAttempts(task.id, ATTEMPTS_READ_MAX)).filter(({ error }) => error?.type !== SILENT);
  const agents = before.slice(0, count - 1).map(({ agent }) => agent);
  const holders = [...new Set([...agents.toReversed(), task.agent ?? "?"])];
  const carriedOut = countsFromBeginning(task.kind) ? "; it may have been carried out" : "";
  return {
    type: "lease_lost",
    message: `${many} of this task were lost, held by ${holders.join(", ")}: it may end whoever takes it${carriedOut}`,
  };
}

/** The identity that loses the lease of a running task: its claim again is no loss. Null for a holder without a session. */
export function* identityOfHolder(task: Task): Tx<string | null> {
  if (task.session === null) return null;
  const session = yield* findSession(task.session);
  return session?.clientSession ?? task.session;
}

/** The identity of the caller, as that of a holder. */
export function identityOfCaller({ caller }: EngineContext): string | null {
  return caller.clientSession ?? caller.session?.id ?? null;
}
