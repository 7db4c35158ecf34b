import { blockedBehind } from "../../store/tasks/lists.js";
import { setRunDue } from "../../store/child-runs/child-runs.js";
import { findDemand } from "../../store/scheduling/lanes.js";
import type { Run } from "../../store/runs/runs.js";
import { forgetReservations, recountDependencies, type Reopening, reopenTasks } from "../../store/tasks/transitions.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { BatonError } from "../../base/errors.js";
import { canMove, runMachine } from "./machines.js";
import { reservedDemand } from "../scheduling/demands.js";
import { RunChange } from "./run-change.js";
import { moveRun } from "./run-state.js";
import { settleWaiting } from "./dependents.js";

/** A change of a run that takes up again what had ended; one that has ended goes on. Errors: `invalid_transition`. */
export function* takeUp(ctx: EngineContext, run: Run): Tx<RunChange> {
  const ended = run.endedAt !== null;
  // A run that is being cancelled gives out no work: what it reopened could never end.
  if (!ended && run.stage === "stopping") throw stillStopping(run);
  if (!ended && run.status !== "cancelling") return new RunChange(ctx, run);
  const undoing = run.stage === "undoing";
  const moved = yield* moveRun(run, {
    event: undoing ? "compensate_again" : "reopen",
    stage: undoing ? "undoing" : null,
  });
  const change = new RunChange(ctx, moved);
  change.reopen();
  // Another run may have been begun in its place: then nobody waits for this one, and the tick ends it.
  if (run.parentTask !== null) {
    yield* setRunDue(run.id, ctx.now);
    ctx.noteDue?.();
  }
  return change;
}

/** Whether `takeUp` can. */
export function mayTakeUp(run: Run): boolean {
  if (run.endedAt === null) return run.stage !== "stopping" && run.status !== "cancelling";
  return canMove(runMachine, run, run.stage === "undoing" ? "compensate_again" : "reopen");
}

function stillStopping(run: Run): BatonError {
  const message = `Run ${run.id} is stopping after a failure: what is held in it may still be completed. Once it has ended, it can be taken up again.`;
  return new BatonError("invalid_transition", message, {
    details: { run: run.id, status: run.status },
    next: [{ tool: "get_run", arguments: { run: run.id } }],
  });
}

/** Opens tasks again as if never tried, and counts them so. */
export function* reopen(change: RunChange, which: Reopening): Tx<Task[]> {
  const reopened = yield* reopenTasks(which);
  for (const task of reopened) change.move({ ...task, status: which.from }, "pending");
  return reopened;
}

/** Judges a run's open tasks afresh, after some were opened again. Gives what became ready. */
export function* judgeAfresh(change: RunChange, reopened: readonly Task[]): Tx<Task[]> {
  yield* unreserve(change.run.id, new Set(reopened.map(({ demand }) => demand)));
  return yield* settleWaiting(change, yield* recountDependencies(change.run.id));
}

/** What was reserved when it ended is open to all again. */
function* unreserve(run: string, demands: ReadonlySet<string>): Tx<void> {
  for (const id of demands) {
    const demand = yield* findDemand(id);
    if (demand && demand.reservedFor !== null) yield* forgetReservations(run, id, reservedDemand(demand, null).id);
  }
}

/** All that is blocked behind a task, at any distance. */
export function* allBlockedBehind(task: string): Tx<string[]> {
  const found = new Set<string>();
  for (let wave = yield* blockedBehind([task]); wave.length > 0;) {
    for (const id of wave) found.add(id);
    wave = (yield* blockedBehind(wave)).filter((id) => !found.has(id));
  }
  return [...found];
}
