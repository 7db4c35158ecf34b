import { orderPreemption } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { type LockedTask, lockTask } from "../lifecycle/locked-task.js";
import { RunChange } from "../lifecycle/run-change.js";
import { giveBack } from "./tasks.js";

/** Asks the holder of a running task to stop, at its next call; after the grace the tick takes the task back, unharmed. */
export function* preemptTask(ctx: EngineContext, id: string, reason: string): Tx<void> {
  const { task, run, counters } = yield* lockTask(id);
  if (task.status !== "running" || task.orders !== null) return;
  yield* orderPreemption(task.id, ctx.now + ctx.settings.cancel_grace_ms);
  const change = new RunChange(ctx, run, counters);
  change.record({ type: "task.preempt_requested", task: task.id, agent: task.agent, data: { key: task.key, reason } });
  yield* change.writeHistory();
}

/** Takes a task back whose holder has not released it within the grace: the token becomes old, and its locks and resources are free. */
export function* takeBackPreempted(ctx: EngineContext, locked: LockedTask): Tx<void> {
  yield* giveBack(ctx, locked, { outcome: "released", fenced: true, note: "it gave way to another task" });
}
