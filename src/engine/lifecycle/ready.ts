import { makeReady, reserve } from "../../store/tasks/transitions.js";
import { findTaskAndSpec, type Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { earliest, iso } from "../../base/time.js";
import { ageingBucket } from "../scheduling/order.js";
import type { RunChange } from "./run-change.js";

/** For so long a ready task that is not for some agents (not_by) waits for another one, before a person is asked. */
export const TAKERLESS_MS = 600_000;

/** pending → ready for tasks that can be claimed now; their lanes are written with the change. */
export function* readyTasks(change: RunChange, tasks: readonly Task[]): Tx<Task[]> {
  const { ctx } = change;
  const groups = new Map<number, Task[]>();
  const ready: Task[] = [];
  for (const task of tasks) {
    if (task.readsSpecOnStart || task.reservedUntil !== null) {
      ready.push(yield* readyTimed(change, task));
      continue;
    }
    const group = groups.get(task.priority);
    if (group) group.push(task);
    else groups.set(task.priority, [task]);
  }
  for (const [priority, group] of groups) {
    const bucket = ageingBucket(ctx.now, priority, ctx.settings.ageing_ms);
    const ids = group.map((task) => task.id);
    yield* makeReady(ids, { readyAt: ctx.now, bucket, closeBy: null, dueAt: null });
    for (const task of group) ready.push({ ...task, status: "ready", bucket, readyAt: ctx.now, availableAt: null });
  }
  for (const task of ready) {
    change.move({ ...task, status: "pending" }, "ready");
    change.enter(task);
    change.recordTask(task, "task.ready");
  }
  return ready;
}

function* readyTimed(change: RunChange, task: Task): Tx<Task> {
  const { ctx } = change;
  const found = yield* findTaskAndSpec(task.id);
  if (!found) throw new Error(`task ${task.id} has no spec`);
  const { schedule_to_start, schedule_to_close } = found.spec.timeouts;
  const bucket = ageingBucket(ctx.now, task.priority, ctx.settings.ageing_ms);
  const closeBy = task.closeBy ?? (schedule_to_close === undefined ? null : ctx.now + schedule_to_close);
  const startBy = schedule_to_start === undefined ? null : ctx.now + schedule_to_start;
  const takerBy = found.spec.not_by === undefined ? null : ctx.now + TAKERLESS_MS;
  const dueAt = earliest(startBy, closeBy, task.reservedUntil, takerBy);
  yield* makeReady([task.id], { readyAt: ctx.now, bucket, closeBy, dueAt });
  return { ...task, status: "ready", bucket, readyAt: ctx.now, availableAt: null, closeBy, dueAt };
}

/** Reserves a pending task, which has its demand already, for an agent. */
export function* reserveFor(change: RunChange, task: Task, agent: string): Tx<Task> {
  const reservedUntil = change.ctx.now + change.ctx.settings.reservation_ms;
  const reserved = { ...task, reservedFor: agent, reservedUntil, dueAt: earliest(task.dueAt, reservedUntil) };
  yield* reserve(reserved);
  change.recordTask({ ...task, agent }, "task.assigned", { until: iso(reservedUntil) });
  return reserved;
}
