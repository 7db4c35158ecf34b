import { setRunDueAt } from "../../store/child-runs/child-runs.js";
import { notUndone } from "../../store/child-runs/compensations.js";
import type { Counters } from "../../store/runs/counters.js";
import { type Run, type RunStage, setRunStatus } from "../../store/runs/runs.js";
import { deleteLanes } from "../../store/scheduling/lanes.js";
import type { Tx } from "../../store/tx.js";
import { BatonError } from "../../base/errors.js";
import type { EngineContext } from "../context.js";
import { requireRun } from "../lookup.js";
import { type RunEvent, runMachine } from "./machines.js";
import { transition } from "../machine.js";
import { OPEN_STATUSES } from "./run-counts.js";

export interface RunMove {
  readonly event: RunEvent;
  readonly reason?: string | null | undefined;
  /** Default: as it is. */
  readonly stage?: RunStage | null;
}

/** Moves a run whose row is locked to the state of an event that does not end it. Errors: `invalid_transition`. */
export function* moveRun(run: Run, move: RunMove): Tx<Run> {
  const status = transition(runMachine, run, move.event);
  const reason = move.reason ?? null;
  const { stage = run.stage } = move;
  const done = yield* setRunStatus({ run: run.id, from: run.status, to: status, endedAt: null, reason, stage });
  if (!done) throw new Error(`run ${run.id} changed its state under its own lock`);
  return { ...run, status, reason, stage, endedAt: null };
}

/** Ends a run that has no open task left. Returns it as it is then. */
export function* endIfDone(ctx: EngineContext, run: Run, counters: Counters): Tx<Run> {
  const left = OPEN_STATUSES.reduce((sum, status) => sum + counters[status], 0);
  if (left > 0 || run.kind === "standing" || run.endedAt !== null) return run;
  if (run.status === "compensating" && run.stage === "stopping") {
    // The tick finds the tasks to compensate.
    yield* setRunDueAt(run.id, ctx.now);
    ctx.onDue?.();
    return run;
  }
  const event = yield* endOf(run, counters);
  const status = transition(runMachine, run, event);
  const reason = event === "fail" ? failureOf(counters) : run.reason;
  // The tick tells its parent: a run is never locked after one of its own child runs.
  const dueAt = run.parentTask === null ? null : ctx.now;
  const from = run.status;
  const end = { run: run.id, from, to: status, endedAt: ctx.now, reason, stage: run.stage, dueAt };
  if (!(yield* setRunStatus(end))) throw new Error(`run ${run.id} changed its state under its own lock`);
  // The tick starts the run that waits for the place, too.
  if (dueAt !== null || ctx.settings.max_concurrent_runs > 0) ctx.onDue?.();
  yield* deleteLanes(run.id);
  return { ...run, status, reason, endedAt: ctx.now };
}

function* endOf(run: Run, counters: Counters): Tx<RunEvent> {
  if (run.status === "cancelling") return "finish_cancel";
  if (run.stage === "undoing") return (yield* notUndone(run.id)).length > 0 ? "fail" : "finish_compensation";
  if (counters.dead_letter + counters.blocked > 0) return "fail";
  return "succeed";
}

function failureOf(counters: Counters): string {
  return `${counters.dead_letter} of ${counters.total} tasks could not be done; ${counters.blocked} are blocked behind them`;
}

const GIVES_OUT: ReadonlySet<Run["status"]> = new Set(["running", "planning", "compensating"]);

/** How many tasks of a run are running, and whether the one that was claimed last runs alone. */
type Running = Pick<Counters, "running" | "alone">;

const IDLE: Running = { running: 0, alone: false };

/** Whether a run gives out work while these of its tasks are running. Default: none. */
export function isOpen(
  run: Pick<Run, "status" | "stage" | "maxParallel" | "overBudget">,
  counters: Running = IDLE,
): boolean {
  const givesOut = GIVES_OUT.has(run.status) && run.stage !== "stopping" && !run.overBudget;
  return givesOut && counters.running < run.maxParallel && !isAlone(counters);
}

/** Whether a task runs alone in its run. */
export function isAlone({ running, alone }: Running): boolean {
  return alone && running > 0;
}

/** Whether a run is under way towards its end and no other. */
export function takesWork(run: Run): boolean {
  return run.endedAt === null && run.stage === null && run.status !== "cancelling";
}

/** Errors: `not_found`, `invalid_transition` when the run takes no new work. */
export function* requireOpenRun(id: string): Tx<Run> {
  const run = yield* requireRun(id);
  if (takesWork(run)) return run;
  throw finishedRun(run);
}

/** The refusal of what a run does not allow in its state. */
export function notInState(run: Run, message: string): BatonError {
  return new BatonError("invalid_transition", message, {
    details: { run: run.id, status: run.status },
    next: [{ tool: "get_run", arguments: { run: run.id } }],
  });
}

export function finishedRun(run: Run): BatonError {
  const state = run.stage === "stopping" && run.endedAt === null ? "stopping after a failure" : run.status;
  return new BatonError("invalid_transition", `Run ${run.name} (${run.id}) is ${state}; it takes no new work.`, {
    details: { run: run.id, status: run.status },
    next: [
      { tool: "get_run", arguments: { run: run.id } },
      ...(run.status === "failed" ? [{ tool: "control_run", arguments: { run: run.id, action: "retry_failed" } }] : []),
    ],
  });
}
