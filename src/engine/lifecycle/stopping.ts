import type { TaskStatus } from "../../base/statuses.js";
import { wakeChildRuns } from "../../store/child-runs/child-runs.js";
import { deleteLanes } from "../../store/scheduling/lanes.js";
import { type Run, setRunStatus } from "../../store/runs/runs.js";
import { blockTasksInState } from "../../store/tasks/transitions.js";
import type { Reason } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { runMachine } from "./machines.js";
import { transition } from "../machine.js";
import type { MovedMany } from "./run-counts.js";

// A run with on_failure stop or compensate stops when one of its tasks has failed for good: holders may end the tasks they hold,
// and every other open task is blocked, so that a retry opens it again.

export interface Stopped {
  readonly run: Run;
  readonly blocked: readonly MovedMany[];
}

const NOT_HELD: readonly TaskStatus[] = ["pending", "ready", "waiting", "in_review"];

/** Whether the failure of a task stops the run. */
export function stopsOnFailure(run: Run): boolean {
  return run.onFailure !== "continue" && run.stage === null && run.endedAt === null && run.status !== "cancelling";
}

/** The reason of the tasks that a stop blocks. */
export const STOPPED: Reason = {
  kind: "run_stopped",
  detail: "a task of the run failed, and the run does not go on after a failure",
  blocking: [],
};

/** Stops a run: blocks the tasks without a holder, deletes the lanes, and makes the tick look at the child runs. */
export function* stopRun(ctx: EngineContext, run: Run, failed: readonly string[]): Tx<Stopped> {
  const reason: Reason = { ...STOPPED, blocking: failed.slice(0, BLOCKING_SHOWN_MAX) };
  const blocked: MovedMany[] = [];
  for (const from of NOT_HELD) {
    const moved = yield* blockTasksInState({ run: run.id, from, at: ctx.now, reasons: [reason] });
    blocked.push({ from, to: "blocked", ...moved });
  }
  yield* deleteLanes(run.id);
  const status = run.onFailure === "compensate" ? transition(runMachine, run, "compensate") : run.status;
  const stopped: Run = { ...run, status, stage: "stopping" };
  yield* setRunStatus({ ...stopped, run: run.id, from: run.status, to: status, endedAt: null });
  yield* wakeChildRuns(run.id, ctx.now);
  ctx.onDue?.();
  return { run: stopped, blocked };
}

const BLOCKING_SHOWN_MAX = 10;
