import { blockedBehind } from "../../store/tasks/lists.js";
import { setRunDueAt } from "../../store/child-runs/child-runs.js";
import { findDemand } from "../../store/scheduling/lanes.js";
import type { Run } from "../../store/runs/runs.js";
import { forgetReservations, recountDependencies, type Reopening, reopenTasks } from "../../store/tasks/transitions.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { canMove, runMachine } from "./machines.js";
import { reservedDemand } from "../scheduling/demands.js";
import { RunChange } from "./run-change.js";
import { moveRun, notInState } from "./run-state.js";
import { settleWaiting } from "./dependents.js";

/** Starts a change that reopens tasks of a run, and the run itself where it has ended. Errors: `invalid_transition`. */
export function* reopenRun(ctx: EngineContext, run: Run): Tx<RunChange> {
  const ended = run.endedAt !== null;
  // A run that is being cancelled gives out no work: a task reopened in it could never end.
  if (!ended && run.stage === "stopping") {
    const message = `Run ${run.id} is stopping after a failure: tasks that are held may still be completed. Once it has ended, it can be reopened.`;
    throw notInState(run, message);
  }
  if (!ended && run.status !== "cancelling") return new RunChange(ctx, run);
  const undoing = run.stage === "undoing";
  const moved = yield* moveRun(run, {
    event: undoing ? "compensate_again" : "reopen",
    stage: undoing ? "undoing" : null,
  });
  const change = new RunChange(ctx, moved);
  change.reopen();
  // Its parent's step may have started another run since: then no task waits for this one, and the tick ends it.
  if (run.parentTask !== null) {
    yield* setRunDueAt(run.id, ctx.now);
    ctx.onDue?.();
  }
  return change;
}

/** Whether `reopenRun` succeeds. */
export function canReopenRun(run: Run): boolean {
  if (run.endedAt === null) return run.stage !== "stopping" && run.status !== "cancelling";
  return canMove(runMachine, run, run.stage === "undoing" ? "compensate_again" : "reopen");
}

/** Reopens tasks as if never tried, and counts them so. */
export function* reopen(change: RunChange, which: Reopening): Tx<Task[]> {
  const reopened = yield* reopenTasks(which);
  for (const task of reopened) change.move({ ...task, status: which.from }, "pending");
  return reopened;
}

/** Decides a run's pending tasks afresh, after some were reopened. Returns the tasks that became ready. */
export function* judgeAfresh(change: RunChange, reopened: readonly Task[]): Tx<Task[]> {
  yield* unreserve(change.run.id, new Set(reopened.map(({ demand }) => demand)));
  return yield* settleWaiting(change, yield* recountDependencies(change.run.id));
}

/** Removes the reservations of reopened tasks: any agent may take them. */
function* unreserve(run: string, demands: ReadonlySet<string>): Tx<void> {
  for (const id of demands) {
    const demand = yield* findDemand(id);
    if (demand && demand.reservedFor !== null) yield* forgetReservations(run, id, reservedDemand(demand, null).id);
  }
}

/** The tasks blocked behind a task, at any distance. */
export function* allBlockedBehind(task: string): Tx<string[]> {
  const found = new Set<string>();
  for (let wave = yield* blockedBehind([task]); wave.length > 0;) {
    for (const id of wave) found.add(id);
    wave = (yield* blockedBehind(wave)).filter((id) => !found.has(id));
  }
  return [...found];
}
