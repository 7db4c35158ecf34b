import { type Run, type RunStage, setRunStatus } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import { type RunEvent, runMachine, transition } from "./machines.js";

export interface RunMove {
  readonly event: RunEvent;
  readonly reason?: string | null | undefined;
  /** Default: as it is. */
  readonly stage?: RunStage | null;
}

/** Takes a run whose row is locked to where an event that does not end it leads. Errors: `invalid_transition`. */
export function* moveRun(run: Run, move: RunMove): Tx<Run> {
  const status = transition(runMachine, run, move.event);
  const reason = move.reason ?? null;
  const { stage = run.stage } = move;
  const done = yield* setRunStatus({ run: run.id, from: run.status, to: status, endedAt: null, reason, stage });
  if (!done) throw new Error(`run ${run.id} changed its state under its own lock`);
  return { ...run, status, reason, stage, endedAt: null };
}
