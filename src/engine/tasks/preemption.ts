import { liftPreemption, orderPreemption } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import { tellHolder } from "../channels/holder-notices.js";
import type { EngineContext } from "../context.js";
import { type LockedTask, lockTask } from "../lifecycle/locked-task.js";
import { RunChange } from "../lifecycle/run-change.js";
import { giveBack } from "./tasks.js";

/** Asks the holder of a running task to stop, by a message and at its next call; after the grace the tick takes the task back, unharmed. */
export function* preemptTask(ctx: EngineContext, id: string, reason: string): Tx<void> {
  const { task, run, counters } = yield* lockTask(id);
  if (task.status !== "running" || task.orders !== null) return;
  yield* orderPreemption(task.id, ctx.now + ctx.settings.cancel_grace_ms);
  const change = new RunChange(ctx, run, counters);
  change.record({ type: "task.preempt_requested", task: task.id, agent: task.agent, data: { key: task.key, reason } });
  yield* change.writeHistory();
  const seconds = Math.round(ctx.settings.cancel_grace_ms / 1000);
  yield* tellHolder(ctx, task, {
    subject: `${task.key} gives way (preempted)`,
    body: `Another task needs what you hold for ${task.key}. Leave its files in a state others can use and call release_task with a note; in ${seconds} s it is taken back, and your token is old.`,
  });
}

/** Lets a holder go on whose task is not to give way any more; the tick looks at it at `dueAt`. */
export function* keepPreempted(
  ctx: EngineContext,
  { task, run, counters }: LockedTask,
  dueAt: number | null,
): Tx<void> {
  yield* liftPreemption(task.id, dueAt);
  const change = new RunChange(ctx, run, counters);
  change.record({ type: "task.preempt_lifted", task: task.id, agent: task.agent, data: { key: task.key } });
  yield* change.writeHistory();
  const body = `What ${task.key} was to give way to does not wait for it any more: go on, your token is good.`;
  yield* tellHolder(ctx, task, { subject: `${task.key} goes on`, body });
}

/** Takes a task back whose holder has not released it within the grace: the token becomes old, and its locks and resources are free. */
export function* takeBackPreempted(ctx: EngineContext, locked: LockedTask): Tx<void> {
  yield* giveBack(ctx, locked, { outcome: "released", fenced: true, note: "it gave way to another task" });
}
