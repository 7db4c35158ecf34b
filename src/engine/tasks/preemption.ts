import { orderPreemption } from "../../store/tasks/transitions.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { addressOf } from "../channels/addresses.js";
import { beginThread } from "../channels/messages.js";
import { type EngineContext, SERVER } from "../context.js";
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
  yield* tellHolder(ctx, task);
}

/** A holder that reports nothing meanwhile is told too. */
function* tellHolder(ctx: EngineContext, { agent, project, run, key }: Task): Tx<void> {
  if (agent === null) return;
  const seconds = Math.round(ctx.settings.cancel_grace_ms / 1000);
  yield* beginThread(ctx, {
    project,
    run,
    task: null,
    address: addressOf({ kind: "agent", name: agent }, project),
    sender: SERVER,
    type: "inform",
    subject: `${key} gives way (preempted)`,
    body: `Another task needs what you hold for ${key}. Leave its files in a state others can use and call release_task with a note; in ${seconds} s it is taken back, and your token is old.`,
    data: null,
  });
}

/** Takes a task back whose holder has not released it within the grace: the token becomes old, and its locks and resources are free. */
export function* takeBackPreempted(ctx: EngineContext, locked: LockedTask): Tx<void> {
  yield* giveBack(ctx, locked, { outcome: "released", fenced: true, note: "it gave way to another task" });
}
