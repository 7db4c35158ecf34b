import type { Task, TaskAndSpec, Timeouts } from "../../store/tasks/tasks.js";
import { recordHeartbeat } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { earliest } from "../../base/time.js";

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

/**
 * Renews the lease of a held task. A call that the holder makes from a shell leaves the task with its session; the lease's own time is
 * longer then, so that the task outlives a session that has just ended.
 */
export function* renewLease(ctx: EngineContext, { task, spec }: TaskAndSpec, percent: number | null): Tx<Lease> {
  const own = newLease(ctx);
  const lease = { ...own, session: own.session ?? task.session };
  yield* recordHeartbeat({
    task: task.id,
    token: task.token,
    session: own.session,
    at: ctx.now,
    leaseExpiresAt: lease.expiresAt,
    dueAt: runningDueAt(ctx, task, { timeouts: spec.timeouts, lease }),
    percent,
  });
  return lease;
}

/** When a running task is due: at a timeout, or at the end of a lease without a session. */
export function runningDueAt(
  ctx: EngineContext,
  task: Pick<Task, "startedAt" | "closeBy">,
  { timeouts, lease }: { timeouts: Timeouts; lease: Lease },
): number {
  const startedAt = task.startedAt ?? ctx.now;
  const due = earliest(
    startedAt + timeouts.start_to_close,
    timeouts.heartbeat === undefined ? null : ctx.now + timeouts.heartbeat,
    task.closeBy,
    lease.session === null ? lease.expiresAt : null,
  );
  return due ?? startedAt + timeouts.start_to_close;
}

/** The end of a lease as shown to the holder, who must renew it before. */
export function leaseShownUntil(ctx: EngineContext, lease: Lease): number {
  return lease.session === null ? lease.expiresAt : ctx.now + ctx.settings.session_ttl_ms;
}

/** The latest start of a ready task, in ms since the epoch. */
export function startByOf({ task, spec }: TaskAndSpec): number | null {
  const within = spec.timeouts.schedule_to_start;
  return task.readyAt === null || within === undefined ? null : task.readyAt + within;
}
