import { findDemand, saveDemands } from "../../store/scheduling/lanes.js";
import { reserve } from "../../store/tasks/transitions.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { requireAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { reservedDemand } from "../scheduling/demands.js";
import { BatonError } from "../../base/errors.js";
import { type LockedTask, lockTask } from "../lifecycle/locked-task.js";
import { earliest, isoOrNull } from "../../base/time.js";
import { startByOf } from "../lifecycle/leases.js";
import { RunChange } from "../lifecycle/run-change.js";

/**
 * Keeps a task for one agent until that agent claims it or the reservation lapses. Errors: `not_found`; `invalid_transition` for a task that
 * is held or has ended.
 */
export function* assignTask(ctx: EngineContext, input: { task: string; agent: string }): Tx<Task> {
  const locked = yield* lockTask(input.task);
  const agent = yield* requireAgent(input.agent);
  requireAssignable(locked.task);
  return yield* reserveTask(ctx, locked, agent.name);
}

/** Errors: `invalid_transition` for a task that is held or has ended. */
export function requireAssignable(task: Task): void {
  if (task.status === "pending" || task.status === "ready") return;
  throw new BatonError(
    "invalid_transition",
    `Task ${task.key} (${task.id}) is ${task.status}${task.agent === null ? "" : ` by ${task.agent}`}; only pending and ready tasks can be assigned.`,
    { details: { task: task.id, status: task.status }, next: [{ tool: "get_task", arguments: { task: task.id } }] },
  );
}

/** Moves an unclaimed task into the lane of one agent, or back into the shared one. */
export function* reserveTask(ctx: EngineContext, locked: LockedTask, reservedFor: string | null): Tx<Task> {
  const { task, run } = locked;
  const demand = yield* findDemand(task.demand);
  if (!demand) throw new Error(`task ${task.id} has no demand`);
  const next = reservedDemand(demand, reservedFor);
  yield* saveDemands([next]);
  const reservedUntil = reservedFor === null ? null : ctx.now + ctx.settings.reservation_ms;
  const others = task.dueAt === task.reservedUntil ? null : task.dueAt;
  const dueAt = earliest(others, task.availableAt, task.closeBy, startByOf(locked), reservedUntil);
  const after: Task = { ...task, demand: next.id, reservedFor, reservedUntil, dueAt };
  yield* reserve(after);
  const change = new RunChange(ctx, run);
  if (task.status === "ready") change.relane(task, after);
  const loses = task.reservedFor !== null && task.reservedFor !== reservedFor;
  const lapsed = task.reservedUntil !== null && task.reservedUntil <= ctx.now;
  if (loses && !lapsed) change.unreserve(task);
  const ended = lapsed ? "task.reservation_lapsed" : "task.unassigned";
  const type = reservedFor === null ? ended : "task.assigned";
  const until = isoOrNull(reservedUntil ?? task.reservedUntil);
  const from = loses && reservedFor !== null ? { from: task.reservedFor } : {};
  change.recordTask({ ...task, agent: reservedFor ?? task.reservedFor }, type, { until, ...from });
  yield* change.flush();
  return after;
}
