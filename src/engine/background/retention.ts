import { ROWS_AT_ONCE_MAX } from "../../base/limits.js";
import { deleteOldApprovals } from "../../store/approvals/approvals.js";
import { deleteLapsedElicitations } from "../../store/escalations/elicitations.js";
import { deleteOldEscalations } from "../../store/escalations/escalations.js";
import { deleteOldExports } from "../../store/usage/exports.js";
import { deleteOldUsage } from "../../store/usage/sums.js";
import { deleteOldFeedback } from "../../store/learning/feedback.js";
import { deleteOldSamples } from "../../store/metrics/samples.js";
import * as sessions from "../../store/presence/sessions.js";
import { anyOldDeadLetter, pruneDeadLetters } from "../dead-letters/automatic-replay.js";
import { meetingsPastRetention, oldMessages, pruneMeetings, pruneMessages } from "../channels/retention.js";
import { oldConflicts, pruneConflicts } from "../conflicts/detection.js";
import { oldWindows, pruneWindows } from "../context-windows/retention.js";
import { anyFaded, forgetFaded } from "../learning/learning.js";
import type { Engine } from "../engine.js";
import { pruneDeliveries } from "../notifications/sending.js";
import { anyOldSession, pruneSessions } from "../runs/work-sessions.js";
import type { IsolatedJobs } from "./isolation.js";
import type { TaskStatus } from "../../base/statuses.js";
import { addToCounters } from "../../store/runs/counters.js";
import { appendEvents } from "../../store/events/events.js";
import { lockRun } from "../../store/lock-order.js";
import { retentionOfRun, runsPastRetention } from "../../store/runs/retention.js";
import { deleteRun, standingRuns } from "../../store/runs/runs.js";
import { deleteTasks, settledTasks } from "../../store/tasks/pruning.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { DONE } from "../lifecycle/run-counts.js";

const RUNS_PRUNED_AT_ONCE_MAX = 5;

/** Lists standing runs with tasks past their retention. */
function* runsToPrune(ctx: EngineContext): Tx<string[]> {
  const found: string[] = [];
  for (const run of yield* standingRuns()) {
    const before = ctx.now - (yield* retentionOfRun(run, ctx.settings.retention_ms));
    if ((yield* settledTasks({ run, before, limit: 1 })).length > 0) found.push(run);
  }
  return found;
}

/**
 * Removes ad-hoc tasks that ended longer ago than the retention, one by one, since the run they live in never ends. A task
 * whose result an open task still needs stays. Returns how many were removed.
 */
function* pruneTasks(ctx: EngineContext, standing: string): Tx<number> {
  const keptMs = yield* retentionOfRun(standing, ctx.settings.retention_ms);
  const wanted = { run: standing, before: ctx.now - keptMs, limit: ROWS_AT_ONCE_MAX };
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
  // Before the deletion: the newest event of the history is never removed, so that sequence numbers only grow.
  yield* appendEvents(ctx, [{ type: "tasks.pruned", project: run.project, run: run.id, data: { tasks: old.length } }]);
  yield* deleteTasks(old.map(({ id }) => id));
  return old.length;
}

/** Removes messages, and meetings, that are older than what has ended is kept; a bounded number. Returns how many messages. */
export async function pruneOldMessages(engine: Engine): Promise<number> {
  if ((await engine.read(meetingsPastRetention)).length > 0) await engine.transact(pruneMeetings);
  return (await engine.read(oldMessages)).length > 0 ? engine.transact(pruneMessages) : 0;
}

/** Removes all such messages. Returns how many. */
export async function pruneAllMessages(engine: Engine): Promise<number> {
  let removed = 0;
  for (let more = 1; more > 0; removed += more) more = await pruneOldMessages(engine);
  return removed;
}

/** Removes context windows that were written longer ago than what has ended is kept; a bounded number. Returns how many. */
export async function pruneOldWindows(engine: Engine): Promise<number> {
  return (await engine.read(oldWindows)).length > 0 ? engine.transact(pruneWindows) : 0;
}

/** Removes all such windows. Returns how many. */
export async function pruneAllWindows(engine: Engine): Promise<number> {
  let removed = 0;
  for (let more = 1; more > 0; removed += more) more = await pruneOldWindows(engine);
  return removed;
}

/** Removes ended sessions and old ad-hoc tasks, which no index finds; called every few seconds by one process per host. */
export async function tidy(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  await jobs.once("ended sessions", async () => {
    await engine.transact(function* (ctx) {
      yield* deleteOldExports(ctx.now - ctx.settings.retention_ms);
      yield* sessions.deleteEndedSessions(ctx.now - ctx.settings.retention_ms);
      yield* deleteOldEscalations(ctx.now - ctx.settings.retention_ms);
      yield* deleteLapsedElicitations(ctx.now);
      yield* deleteOldApprovals(ctx.now - ctx.settings.retention_ms);
      yield* deleteOldUsage(ctx.now - ctx.settings.retention_ms);
      yield* deleteOldFeedback(ctx.now - ctx.settings.retention_ms);
      yield* pruneDeliveries(ctx);
      yield* deleteOldSamples(ctx.now - ctx.settings.metrics_retention_ms);
    });
    if (await engine.read(anyFaded)) await engine.transact(forgetFaded);
    const project = await engine.read(oldConflicts);
    if (project !== undefined) await engine.transact((ctx) => pruneConflicts(ctx, project));
    return 0;
  });
  const standing = await engine.read(runsToPrune);
  return (await jobs.each("old tasks of", standing, (run) => engine.transact((ctx) => pruneTasks(ctx, run)))).sum;
}

/** Removes all dead letters that were closed longer ago than the retention. Returns how many. */
export async function pruneAllDeadLetters(engine: Engine): Promise<number> {
  let removed = 0;
  while (await engine.read(anyOldDeadLetter)) removed += await engine.transact(pruneDeadLetters);
  return removed;
}

export async function pruneOldSessions(engine: Engine): Promise<number> {
  return (await engine.read(anyOldSession)) ? engine.transact(pruneSessions) : 0;
}

/** Removes all sessions that ended longer ago than the retention of runs. Returns how many. */
export async function pruneAllSessions(engine: Engine): Promise<number> {
  let removed = 0;
  while (await engine.read(anyOldSession)) removed += await engine.transact(pruneSessions);
  return removed;
}

/** Removes runs that ended longer ago than the retention, with all that belongs to them; a few at a time. */
export async function pruneRuns(engine: Engine, atOnce: number): Promise<number> {
  let removed = 0;
  for (const run of await engine.read((ctx) => oldRuns(ctx, atOnce)))
    removed += await engine.transact((ctx) => pruneRun(ctx, run));
  return removed;
}

export async function pruneOldRuns(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const due = {
    atOnce: RUNS_PRUNED_AT_ONCE_MAX,
    find: (limit: number) => engine.read((ctx) => oldRuns(ctx, limit)),
  };
  return (await jobs.eachDue("old run", due, (run) => engine.transact((ctx) => pruneRun(ctx, run)))).sum;
}

function* oldRuns(ctx: EngineContext, limit: number): Tx<string[]> {
  const { now } = ctx;
  return (yield* runsPastRetention({ now, defaultMs: ctx.settings.retention_ms, limit })).map(({ id }) => id);
}

/** Removes a run, unless it was reopened or removed since it was found. */
function* pruneRun(ctx: EngineContext, id: string): Tx<number> {
  const run = yield* lockRun(id);
  if (!run || run.endedAt === null) return 0;
  yield* deleteRun(ctx, run);
  return 1;
}
