import { deleteLanes } from "../../store/scheduling/lanes.js";
import type { Run } from "../../store/runs/runs.js";
import { blockTasksInState } from "../../store/tasks/transitions.js";
import type { Reason, TaskStatus } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { runMachine, transition } from "./machines.js";

// A run with on_failure stop or compensate does not go on when one of its tasks has failed for good: nothing that has not
// begun begins, and what is held may be ended by its holders. All else of it is blocked, so that a retry opens it again.

/** How many tasks of a state, and how much work, went to another. */
export interface MovedMany {
  readonly from: TaskStatus;
  readonly figures: { readonly count: number; readonly workMs: number };
}

export interface Stopped {
  readonly run: Run;
  readonly blocked: readonly MovedMany[];
}

const NOT_HELD: readonly TaskStatus[] = ["pending", "ready", "waiting", "in_review"];

/** Whether the failure of a task ends what the run has begun. */
export function stopsOnFailure(run: Run): boolean {
  return run.onFailure !== "continue" && run.stage === null && run.endedAt === null && run.status !== "cancelling";
}

/** Why what has not begun does not begin. */
export const STOPPED: Reason = {
  kind: "run_stopped",
  detail: "a task of the run failed, and the run does not go on after a failure",
  blocking: [],
};

/** Blocks what nobody holds and closes the lanes. The run's row is written with the end of the change. */
export function* stopRun(ctx: EngineContext, run: Run, failed: readonly string[]): Tx<Stopped> {
  const reason: Reason = { ...STOPPED, blocking: failed.slice(0, BLOCKING_SHOWN_MAX) };
  const blocked: MovedMany[] = [];
  for (const from of NOT_HELD) {
    const figures = yield* blockTasksInState({ run: run.id, from, at: ctx.now, reasons: [reason] });
    blocked.push({ from, figures });
  }
  yield* deleteLanes(run.id);
  const status = run.onFailure === "compensate" ? transition(runMachine, run, "compensate") : run.status;
  return { run: { ...run, status, stage: "stopping" }, blocked };
}

const BLOCKING_SHOWN_MAX = 10;
