import { endExpiredSession, findSession } from "../../store/presence/sessions.js";
import { leaveSession } from "../../store/tasks/transitions.js";
import { runningTasksOfSession } from "../../store/tasks/tasks.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { runningDueAt, countsFromBeginning, fatalLoss, identityOfHolder } from "../lifecycle/leases.js";
import { type LockedTask, lockTask } from "../lifecycle/locked-task.js";
import { releaseSessionLocks } from "../locks/expiry.js";
import { failAttempt, giveBack } from "../tasks/tasks.js";

/**
 * Ends an attempt whose lease has expired: its task is released, or the attempt fails where `lost_lease_counts` says so, or the task
 * becomes a dead letter, because it has lost too many.
 */
export function* expireLease(ctx: EngineContext, locked: LockedTask): Tx<void> {
  const { task } = locked;
  const end = { outcome: "lease_lost", fenced: true, lost: { by: yield* identityOfHolder(task) } } as const;
  const fatal = yield* fatalLoss(ctx, task);
  if (fatal) {
    yield* failAttempt(ctx, locked, { ...end, error: fatal, retryable: false });
  } else if (ctx.settings.lost_lease_counts && !countsFromBeginning(task.kind)) {
    const error = { type: "lease_lost", message: `${task.agent ?? "its holder"} was gone` };
    yield* failAttempt(ctx, locked, { ...end, error });
  } else {
    yield* giveBack(ctx, locked, end);
  }
}

/**
 * Takes a task from a session that has ended or expired. A lease of its own that lasts longer is kept, without the session. False
 * where the task is not of this session, or the session lives.
 */
export function* expireLeaseOfSession(ctx: EngineContext, lost: { task: string; session: string }): Tx<boolean> {
  const locked = yield* lockTask(lost.task);
  const { task, spec } = locked;
  if (task.status !== "running" || task.session !== lost.session) return false;
  const session = yield* findSession(lost.session);
  if (session && session.endedAt === null && session.expiresAt > ctx.now) return false;
  if (task.leaseExpiresAt !== null && task.leaseExpiresAt > ctx.now) {
    const lease = { session: null, expiresAt: task.leaseExpiresAt };
    yield* leaveSession(task.id, runningDueAt(ctx, task, { timeouts: spec.timeouts, lease }));
    return true;
  }
  yield* expireLease(ctx, locked);
  return true;
}

/** Ends an expired session and releases its locks. A session that was renewed meanwhile, or still holds a task, stays. */
export function* expireSession(ctx: EngineContext, id: string): Tx<void> {
  const session = yield* findSession(id);
  if (!session || session.endedAt !== null || session.expiresAt > ctx.now) return;
  if ((yield* runningTasksOfSession(id, 1)).length > 0) return;
  yield* releaseSessionLocks(ctx, id);
  if (!(yield* endExpiredSession(id, ctx.now))) throw new RestartTransaction(`session ${id} was renewed`);
}
