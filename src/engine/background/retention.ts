import { addToCounters } from "../../store/runs/counters.js";
import { appendEvents } from "../../store/events/events.js";
import { lockRun } from "../../store/lock-order.js";
import { retentionOfRun } from "../../store/runs/retention.js";
import { standingRuns } from "../../store/runs/runs.js";
import { deleteTasks, settledTasks } from "../../store/tasks/pruning.js";
import type { TaskStatus } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { DONE } from "../lifecycle/run-counts.js";

const AT_ONCE_MAX = 100;

/** Standing runs with something to remove. */
export function* runsToPrune(ctx: EngineContext): Tx<string[]> {
  const found: string[] = [];
  for (const run of yield* standingRuns()) {
    const before = ctx.now - (yield* retentionOfRun(run, ctx.settings.retention_ms));
    if ((yield* settledTasks({ run, before, limit: 1 })).length > 0) found.push(run);
  }
  return found;
}

/**
 * Removes ad-hoc tasks that ended longer ago than the retention, one by one, since the run they live in never ends. A task
 * whose result an open one still needs stays. Gives how many went.
 */
export function* pruneTasks(ctx: EngineContext, standing: string): Tx<number> {
  const keptMs = yield* retentionOfRun(standing, ctx.settings.retention_ms);
  const wanted = { run: standing, before: ctx.now - keptMs, limit: AT_ONCE_MAX };
  const run = yield* lockRun(standing);
  if (!run) return 0;
  const old = yield* settledTasks(wanted);
  const by: Partial<Record<TaskStatus, number>> = {};
  const gone = { workMs: 0, doneMs: 0 };
  for (const task of old) {
    by[task.status] = (by[task.status] ?? 0) - 1;
    gone.workMs -= task.estimateMs;
    if (DONE.has(task.status)) gone.doneMs -= task.estimateMs;
  }
  yield* addToCounters({ run: run.id, now: ctx.now, by, ...gone });
  // Before they go: the newest event of the history is never removed, so that its numbers only grow.
  yield* appendEvents(ctx, [{ type: "tasks.pruned", project: run.project, run: run.id, data: { tasks: old.length } }]);
  yield* deleteTasks(old.map(({ id }) => id));
  return old.length;
}
