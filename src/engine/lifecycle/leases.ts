import type { Task, TaskAndSpec, Timeouts } from "../../store/tasks/tasks.js";
import type { EngineContext } from "../context.js";
import { earliest } from "../../base/time.js";

/**
 * How long a holder keeps its work. The lease of an agent whose process has a session lives with that session, so its own expiry
 * is at once; an agent without a process has only its own, renewed by every call.
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
 * The lease of a task that its holder goes on with. A call of the holder from a shell beside it takes the task from no session:
 * its own time is longer then, so that the task outlives a session that has just ended.
 */
export function renewedLease(ctx: EngineContext, task: Pick<Task, "session">): Lease {
  const lease = newLease(ctx);
  return { ...lease, session: lease.session ?? task.session };
}

/** When the tick must look at a running task: a timeout, or the end of a lease that no session keeps alive. */
export function runningDueAt(
  ctx: EngineContext,
  task: Pick<Task, "startedAt" | "closeBy">,
  hold: {
    timeouts: Timeouts;
    lease: Lease;
  },
): number {
  const { timeouts, lease } = hold;
  const startedAt = task.startedAt ?? ctx.now;
  const due = earliest(
    startedAt + timeouts.start_to_close,
    timeouts.heartbeat === undefined ? null : ctx.now + timeouts.heartbeat,
    task.closeBy,
    lease.session === null ? lease.expiresAt : null,
  );
  return due ?? startedAt + timeouts.start_to_close;
}

/** What the holder is told about its lease: it ends then unless it is renewed. */
export function leaseShownUntil(ctx: EngineContext, lease: Lease): number {
  return lease.session === null ? lease.expiresAt : ctx.now + ctx.settings.session_ttl_ms;
}

/** When a ready task must have been started, in ms since the epoch. */
export function startByOf({ task, spec }: TaskAndSpec): number | null {
  const within = spec.timeouts.schedule_to_start;
  return task.readyAt === null || within === undefined ? null : task.readyAt + within;
}
