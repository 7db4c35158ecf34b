import { lockProject, lockRun, lockRunQueue } from "../../store/lock-order.js";
import { pausedFor, runsUnderWay } from "../../store/runs/queue.js";
import { findRun } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import { type EngineContext, SERVER } from "../context.js";
import { QUEUED } from "../scheduling/queued.js";
import { controlRun } from "./control.js";

// Not more runs than `max_concurrent_runs` are under way by themselves: a further one is paused, and starts when one has ended.

/** Whether a new run may be under way at once: there is a place, and none waits for it. */
export function* isPlaceForNewRun(ctx: EngineContext): Tx<boolean> {
  if (ctx.settings.max_concurrent_runs === 0) return true;
  return (yield* isPlaceForRun(ctx)) && (yield* pausedFor(QUEUED, 1)).length === 0;
}

/** Whether one more run may be under way. Locks the queue, so that no other transaction takes the same place. */
function* isPlaceForRun(ctx: EngineContext): Tx<boolean> {
  const { max_concurrent_runs: most } = ctx.settings;
  if (most === 0) return true;
  yield* lockRunQueue();
  return (yield* runsUnderWay()) < most;
}

/**
 * Returns runs that wait, the next one first, while there is a place for any: more than there are places, so that one that cannot start keeps
 * no other back. Each start looks again whether there is one.
 */
export function* startableRuns(ctx: EngineContext, limit: number): Tx<string[]> {
  const waiting = yield* pausedFor(QUEUED, limit);
  const { max_concurrent_runs: most } = ctx.settings;
  if (waiting.length === 0 || most === 0) return waiting;
  return (yield* runsUnderWay()) < most ? waiting : [];
}

/** Starts a run that waits, where there is still a place. */
export function* startQueued(ctx: EngineContext, id: string): Tx<boolean> {
  const known = yield* findRun(id);
  if (known === undefined) return false;
  const project = yield* lockProject(known.project);
  if (project?.status === "archived" || !(yield* isPlaceForRun(ctx))) return false;
  const run = yield* lockRun(id);
  if (run?.status !== "paused" || run.reason !== QUEUED) return false;
  yield* controlRun(ctx, { run: id, action: "resume", agent: SERVER });
  return true;
}
