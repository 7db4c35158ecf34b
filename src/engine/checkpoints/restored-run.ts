import { type Counters, recountTasks } from "../../store/runs/counters.js";
import type { NewEvent } from "../../store/events/events.js";
import { writeRun } from "../../store/snapshots/run-snapshots.js";
import { type Run, RUNS } from "../../store/runs/runs.js";
import { endTasks } from "../../store/tasks/transitions.js";
import { type Task, TASKS } from "../../store/tasks/tasks.js";
import type { Row, Tx } from "../../store/tx.js";
import { findAgent } from "../../store/agents/agents.js";
import type { EngineContext } from "../context.js";
import { settleRestored } from "../handoffs/settling.js";
import { lockTask } from "../lifecycle/locked-task.js";
import { reserveTask } from "../tasks/assignments.js";
import { RunChange } from "../lifecycle/run-change.js";
import { settleDependents, settleWaiting } from "../lifecycle/dependents.js";
import type { Settled } from "../lifecycle/machines.js";

/** A run whose tasks have been written. Its lanes are gone, or never were. */
export interface Restored {
  readonly run: Row;
  /** Id of the run that it stands as: its own, or that which it is a fork of. */
  readonly origin: string;
  readonly tasks: readonly Row[];
  /** Ids of those whose holder had been asked to stop: they do not go on. */
  readonly toStop: ReadonlySet<string>;
  readonly events: readonly Omit<NewEvent, "project" | "run">[];
}

export interface ResumedRun {
  readonly run: Run;
  readonly counters: Counters;
  readonly ready: readonly Task[];
}

/** Writes a restored run's row, counts its tasks, makes its lanes, and activates its tasks that can go on. */
export function* resumeRestored(ctx: EngineContext, restored: Restored): Tx<ResumedRun> {
  yield* writeRun(restored.run, restored.origin);
  const run = RUNS.read(restored.run);
  yield* recountTasks(run.id, ctx.now);
  const change = new RunChange(ctx, run);
  change.reopen();
  // The checkpoint that it goes on from stands already.
  change.checkpointed = "restored";
  for (const event of restored.events) change.record(event);
  const tasks = restored.tasks.map(TASKS.read);
  change.recordSucceeded(tasks.filter(({ status }) => status === "succeeded"));
  const ready = tasks.filter(({ status, id }) => status === "ready" && !restored.toStop.has(id));
  for (const task of ready) change.enter(task);
  // A copy made inside a change may hold tasks that the change was about to activate.
  const activated = yield* settleWaiting(
    change,
    tasks.filter(({ status }) => status === "pending"),
  );
  const stopped = yield* stop(
    change,
    tasks.filter(({ id }) => restored.toStop.has(id)),
  );
  const flushed = yield* change.flush();
  yield* endLostReservations(ctx, tasks);
  yield* settleRestored(ctx, run.id);
  return { ready: [...ready, ...activated, ...stopped], ...flushed };
}

/** Frees the tasks that are reserved for an agent which has been unregistered since. */
function* endLostReservations(ctx: EngineContext, tasks: readonly Task[]): Tx<void> {
  const registered = new Map<string, boolean>();
  for (const { id, status, reservedFor } of tasks) {
    if (reservedFor === null || (status !== "pending" && status !== "ready")) continue;
    if (!registered.has(reservedFor)) registered.set(reservedFor, (yield* findAgent(reservedFor))?.status === "active");
    if (registered.get(reservedFor) === false) yield* reserveTask(ctx, yield* lockTask(id), null);
  }
}

function* stop(change: RunChange, tasks: readonly Task[]): Tx<Task[]> {
  const reason = "its holder had been asked to stop";
  const reasons = [{ kind: "cancelled", detail: reason, blocking: [] }];
  const settled: Settled[] = [];
  for (const task of tasks) {
    yield* endTasks([task.id], { from: "ready", to: "cancelled", at: change.ctx.now, reasons });
    change.move(task, "cancelled");
    change.record({ type: "task.cancelled", task: task.id, data: { key: task.key, reason } });
    settled.push({ task: { ...task, status: "cancelled", reasons, endedAt: change.ctx.now }, as: "skipped" });
  }
  return yield* settleDependents(change, settled);
}
