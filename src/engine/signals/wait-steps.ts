import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { completeByServer, failByServer } from "../lifecycle/server-attempts.js";
import type { EngineContext } from "../context.js";
import type { LockedTask } from "../lifecycle/locked-task.js";
import { iso } from "../../base/time.js";
import { type ChangedRun, RunChange } from "../lifecycle/run-change.js";
import { settleDependents } from "../lifecycle/dependents.js";
import type { Settled } from "../lifecycle/machines.js";

/** The changes made by the end of a wait. */
export interface WaitEnded extends ChangedRun {
  readonly task: Task;
  readonly ready: readonly Task[];
}

/** Ends waiting tasks of one run, each as `end` says, and lets what hangs on them go on. */
export function* endWaits(change: RunChange, tasks: readonly Task[], end: (task: Task) => Tx<Settled>): Tx<Task[]> {
  const settled: Settled[] = [];
  for (const task of tasks) settled.push(yield* end(task));
  return yield* settleDependents(change, settled);
}

export function* endWait(
  ctx: EngineContext,
  { task, run }: LockedTask,
  end: (change: RunChange) => Tx<Settled>,
): Tx<WaitEnded> {
  const change = new RunChange(ctx, run);
  let ended = task;
  const ready = yield* endWaits(change, [task], function* () {
    const settled = yield* end(change);
    ended = settled.task;
    return settled;
  });
  return { task: ended, ready, ...(yield* change.flush()) };
}

/** The time of a timer has come. */
export function* fireTimer(ctx: EngineContext, locked: LockedTask, until: number): Tx<WaitEnded> {
  const result = { due_at: iso(until), fired_at: iso(ctx.now) };
  return yield* endWait(ctx, locked, (change) => completeByServer(change, locked.task, { result }));
}

/** Ends a wait whose event did not come in time. */
export function* giveUpWait(
  ctx: EngineContext,
  locked: LockedTask,
  error: { type: string; message: string },
): Tx<WaitEnded> {
  return yield* endWait(ctx, locked, (change) => failByServer(change, locked.task, { error }));
}
