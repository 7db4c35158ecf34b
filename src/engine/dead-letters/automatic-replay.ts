import * as letters from "../../store/dead-letters/dead-letters.js";
import { lockProject } from "../../store/lock-order.js";
import { projectOf } from "../../store/projects/projects.js";
import type { Tx } from "../../store/tx.js";
import { replaysOf } from "../lifecycle/dead-letter.js";
import { SERVER, type EngineContext } from "../context.js";
import { isUndone, reopenLetter } from "./dead-letters.js";
import { type Locked, lockTask } from "../lifecycle/locked-task.js";

const AT_ONCE_MAX = 100;

/** Letters whose time has come to be tried again without being asked. */
export function* dueLetters(ctx: EngineContext, limit: number): Tx<string[]> {
  return yield* letters.dueLetters(ctx.now, limit);
}

/**
 * Tries a dead letter again as `replay_dead_letter` does, by itself. Only one process finds it due under the lock of its run. One that
 * may not be replayed any more, since its run was cancelled, its project archived or the setting taken back, is left to people. Whether it was tried.
 */
export function* replayDue(ctx: EngineContext, id: string): Tx<boolean> {
  const seen = yield* letters.findLetter(id);
  if (!seen || !isDue(ctx, seen)) return false;
  // Before the run, as everywhere: the project may be archived, or its files freed.
  const row = yield* lockProject(seen.project);
  const project = row && projectOf(row);
  const locked = yield* lockTask(seen.task);
  const letter = yield* letters.findLetter(id);
  if (!letter || !isDue(ctx, letter)) return false;
  // Once its holders have ended what they have, the run may be taken up again.
  if (locked.run.stage === "stopping" && locked.run.endedAt === null && locked.run.status !== "compensating")
    return false;
  const count = ((yield* letters.automaticReplays([letter.task])).get(letter.task) ?? 0) + 1;
  const most = replaysOf(ctx, project);
  if (count > most || project?.status === "archived" || !mayGoOn(locked)) {
    yield* letters.forgetDue(id);
    return false;
  }
  yield* reopenLetter(ctx, { id, locked, by: SERVER, automatic: { replay: count, of: most } });
  return true;
}

function isDue(ctx: EngineContext, { status, dueAt }: letters.DeadLetter): boolean {
  return status === "pending" && dueAt !== null && dueAt <= ctx.now;
}

function mayGoOn({ task, run }: Locked): boolean {
  if (isUndone(task, run) || task.status !== "dead_letter") return false;
  return run.status !== "cancelling" && run.status !== "cancelled";
}

/** Whether any letter has been closed for longer than such letters are kept. */
export function* anyOldLetter(ctx: EngineContext): Tx<boolean> {
  return yield* letters.anyClosedBefore(ctx.now - ctx.settings.letter_retention_ms);
}

/** Removes letters that have been dealt with long ago, a few at a time; how many. A pending one stays as long as its run. */
export function* pruneLetters(ctx: EngineContext): Tx<number> {
  return yield* letters.deleteClosedBefore(ctx.now - ctx.settings.letter_retention_ms, AT_ONCE_MAX);
}
