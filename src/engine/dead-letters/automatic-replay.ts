import { ROWS_AT_ONCE_MAX } from "../../base/limits.js";
import * as deadLetters from "../../store/dead-letters/dead-letters.js";
import { lockProject } from "../../store/lock-order.js";
import type { Tx } from "../../store/tx.js";
import { replaysOf } from "./recording.js";
import { SERVER, type EngineContext } from "../context.js";
import { isUndone, reopenDeadLetter } from "./dead-letters.js";
import { type LockedTask, lockTask } from "../lifecycle/locked-task.js";

/**
 * Tries a dead letter again as `replay_dead_letter` does, by itself. Only one process finds it due under the lock of its run. One that
 * may not be replayed any more, since its run was cancelled, its project archived or the setting taken back, is left to people. Whether it was tried.
 */
export function* replayDue(ctx: EngineContext, id: string): Tx<boolean> {
  const seen = yield* deadLetters.findDeadLetter(id);
  if (!seen || !isDue(ctx, seen)) return false;
  // Before the run, as everywhere: the project may be archived, or its files freed.
  const project = yield* lockProject(seen.project);
  const locked = yield* lockTask(seen.task);
  const deadLetter = yield* deadLetters.findDeadLetter(id);
  if (!deadLetter || !isDue(ctx, deadLetter)) return false;
  // A stopping run can be reopened once its holders have ended their tasks.
  if (locked.run.stage === "stopping" && locked.run.endedAt === null && locked.run.status !== "compensating")
    return false;
  const count = ((yield* deadLetters.automaticReplays([deadLetter.task])).get(deadLetter.task) ?? 0) + 1;
  const most = replaysOf(ctx, project);
  if (count > most || project?.status === "archived" || !canReplay(locked)) {
    yield* deadLetters.forgetDue(id);
    return false;
  }
  yield* reopenDeadLetter(ctx, { id, locked, by: SERVER, automatic: { replay: count, of: most } });
  return true;
}

function isDue(ctx: EngineContext, { status, dueAt }: deadLetters.DeadLetter): boolean {
  return status === "pending" && dueAt !== null && dueAt <= ctx.now;
}

function canReplay({ task, run }: LockedTask): boolean {
  if (isUndone(task, run) || task.status !== "dead_letter") return false;
  return run.status !== "cancelling" && run.status !== "cancelled";
}

/** Whether any closed dead letter is past its retention. */
export function* anyOldDeadLetter(ctx: EngineContext): Tx<boolean> {
  return yield* deadLetters.anyClosedBefore(ctx.now - ctx.settings.dead_letter_retention_ms);
}

/** Removes closed dead letters past their retention, a few at a time; returns how many. A pending one stays as long as its run. */
export function* pruneDeadLetters(ctx: EngineContext): Tx<number> {
  return yield* deadLetters.deleteClosedBefore(ctx.now - ctx.settings.dead_letter_retention_ms, ROWS_AT_ONCE_MAX);
}
