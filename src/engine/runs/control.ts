import type { TaskStatus } from "../../base/statuses.js";
import { wakeChildRuns, openDescendants } from "../../store/child-runs/child-runs.js";
import { findCounters } from "../../store/runs/counters.js";
import { notUndone } from "../../store/child-runs/compensations.js";
import { closeDeadLettersOf } from "../../store/dead-letters/dead-letters.js";
import { deleteLanes, setLanesOpen } from "../../store/scheduling/lanes.js";
import { lockProject, lockRun } from "../../store/lock-order.js";
import type { Run } from "../../store/runs/runs.js";
import { cancelTasksInState, orderCancelOfRun } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { BatonError } from "../../base/errors.js";
import { runMachine } from "../lifecycle/machines.js";
import { canMove } from "../machine.js";
import { requireUnarchived } from "../projects/projects.js";
import { judgeAfresh, reopen, reopenRun } from "../lifecycle/reopening.js";
import { type ChangedRun, RunChange } from "../lifecycle/run-change.js";
import { isOpen, moveRun, notInState } from "../lifecycle/run-state.js";
import { requireRun } from "../lookup.js";

export const RUN_ACTIONS = ["pause", "resume", "cancel", "retry_failed"] as const;
export type RunAction = (typeof RUN_ACTIONS)[number];

export interface Control {
  readonly run: string;
  readonly action: RunAction;
  readonly agent: string;
  readonly reason?: string | undefined;
}

/** Steers a run. Errors: `not_found`, `invalid_transition` with what is possible instead. */
export function* controlRun(ctx: EngineContext, control: Control): Tx<ChangedRun> {
  const known = yield* requireRun(control.run);
  // Archiving a project ends its runs: none of them may go on afterwards.
  if (control.action === "retry_failed" || control.action === "resume") yield* requireUnarchived(known.project);
  else if (control.action === "pause") yield* lockProject(known.project);
  const run = yield* lockRun(control.run);
  if (!run) throw new Error(`run ${control.run} is gone under its own lock`);
  if (run.kind === "standing" && control.action !== "pause" && control.action !== "resume") {
    throw new BatonError("invalid_transition", `Run ${run.id} holds the ad-hoc tasks of its project and never ends.`, {
      details: { run: run.id, kind: run.kind },
      next: [{ tool: "list_tasks", arguments: { run: run.id } }],
    });
  }
  switch (control.action) {
    case "pause":
    case "resume":
      return yield* pauseOrResumeAll(ctx, run, { ...control, event: control.action });
    case "cancel":
      // A second request gives the holders no more time than the first.
      if (isCancelled(run)) return { run, counters: yield* findCounters(run.id) };
      return yield* cancelRun(ctx, run, control);
    case "retry_failed":
      return yield* retryFailed(ctx, run, control);
  }
}

function isCancelled({ status }: Run): boolean {
  return status === "cancelling" || status === "cancelled";
}

/** Child runs that a run waits for are part of it: they are paused and resumed with it. */
function* pauseOrResumeAll(
  ctx: EngineContext,
  run: Run,
  move: Control & { event: "pause" | "resume" },
): Tx<ChangedRun> {
  const changed = yield* pauseOrResume(ctx, run, move);
  yield* pauseOrResumeWithin(ctx, run.id, move);
  return changed;
}

/**
 * Pauses or resumes the open child runs. The caller holds the project's row, so that none of them starts another
 * meanwhile.
 */
export function* pauseOrResumeWithin(
  ctx: EngineContext,
  run: string,
  move: Pick<Control, "agent"> & { event: "pause" | "resume" },
): Tx<void> {
  for (const id of yield* openDescendants(run)) {
    const descendant = yield* lockRun(id);
    if (descendant && canMove(runMachine, descendant, move.event)) yield* pauseOrResume(ctx, descendant, move);
  }
}

/** Pausing stops claims, not leases: the holder of a task may complete it. */
function* pauseOrResume(
  ctx: EngineContext,
  run: Run,
  move: Pick<Control, "agent" | "reason"> & { event: "pause" | "resume" },
): Tx<ChangedRun> {
  const moved = yield* moveRun(run, move);
  const counters = yield* findCounters(run.id);
  yield* setLanesOpen(run.id, isOpen(moved, counters));
  const change = new RunChange(ctx, moved);
  change.record({ type: `run.${moved.status === "paused" ? "paused" : "resumed"}`, agent: move.agent });
  yield* change.writeHistory();
  return { run: moved, counters };
}

const UNHELD: readonly TaskStatus[] = ["pending", "ready", "waiting", "in_review", "blocked"];

/** Cancels unclaimed tasks at once, and asks the holders of the others; the tick takes those away after the grace. */
export function* cancelRun(ctx: EngineContext, run: Run, control: Pick<Control, "agent" | "reason">): Tx<ChangedRun> {
  const moved = yield* moveRun(run, { event: "cancel", reason: control.reason });
  yield* deleteLanes(run.id);
  const change = new RunChange(ctx, moved);
  let cancelled = 0;
  for (const status of UNHELD) {
    const figures = yield* cancelTasksInState(run.id, status, ctx.now);
    change.moveMany({ from: status, to: "cancelled", ...figures });
    cancelled += figures.count;
  }
  // Child runs are cancelled next, each by itself.
  yield* wakeChildRuns(run.id, ctx.now);
  ctx.onDue?.();
  const asked = yield* orderCancelOfRun(run.id, ctx.now + ctx.settings.cancel_grace_ms);
  change.record({
    type: "run.cancelling",
    agent: control.agent,
    data: { cancelled, asked, reason: control.reason ?? null },
  });
  return yield* change.flush();
}

/** Opens a failed run again: what failed is tried anew, what stood behind it waits for it again. */
function* retryFailed(ctx: EngineContext, run: Run, control: Control): Tx<ChangedRun> {
  const change = yield* reopenRun(ctx, run);
  // In a run that is being compensated, only the compensations are retried.
  const which = run.stage === "undoing" ? { tasks: yield* notUndone(run.id) } : { run: run.id };
  const reopened = [
    ...(yield* reopen(change, { ...which, from: "blocked" })),
    ...(yield* reopen(change, { ...which, from: "dead_letter" })),
  ];
  if (reopened.length === 0) throw notInState(run, `Run ${run.id} is ${run.status} and has no failed or blocked task.`);
  const tasks = reopened.flatMap(({ id, status }) => (status === "pending" ? [id] : []));
  yield* closeDeadLettersOf(run.id, tasks, { to: "replayed", at: ctx.now, by: control.agent, note: null });
  change.record({ type: "run.reopened", agent: control.agent, data: { tasks: tasks.slice(0, 1000) } });
  yield* judgeAfresh(change, reopened);
  return yield* change.flush();
}
