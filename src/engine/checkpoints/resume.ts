import { supersedeOthers } from "../../store/artifacts/artifacts.js";
import { childrenOf, wakeRuns, openDescendants } from "../../store/child-runs/child-runs.js";
import { type Lock, locksOfTask } from "../../store/locks/locks.js";
import { deleteLanes, runsParkedOn } from "../../store/scheduling/lanes.js";
import { lockProject, lockRun, lockRuns } from "../../store/lock-order.js";
import { replaceSignals } from "../../store/snapshots/run-snapshots.js";
import { type Run } from "../../store/runs/runs.js";
import type { Attempt } from "../../store/tasks/attempts.js";
import { heldTasksOf } from "../../store/tasks/tasks.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import { endAttempt } from "../lifecycle/attempts.js";
import type { Checkpoint } from "./checkpoints.js";
import type { EngineContext } from "../context.js";
import type { HeldTask } from "../lifecycle/locked-task.js";
import { requireUnarchived } from "../projects/projects.js";
import { restorationOf, writeRestoration } from "./restoration.js";
import { withLiveChildren } from "./restored-children.js";
import { restoreDeadLetters } from "./restored-dead-letters.js";
import { type ResumedRun, resumeRestored } from "./restored-run.js";
import { idOf, tasksToStop } from "./restored-tasks.js";
import { freeResourcesOf } from "../resources/tasks.js";
import { pauseOrResumeWithin } from "../runs/control.js";
import { RunChange } from "../lifecycle/run-change.js";
import { notInState } from "../lifecycle/run-state.js";
import { snapshotRun, type OpenSnapshot, openSnapshot } from "../snapshots/run-snapshot.js";
import { requireRun } from "../lookup.js";

export interface Resuming {
  readonly checkpoint: Checkpoint;
  readonly snapshot: OpenSnapshot;
  readonly agent: string;
}

/** An attempt that was under way and is not any more. */
export interface Fenced extends Pick<Attempt, "task" | "agent" | "token"> {
  readonly key: string;
}

export interface ResumedInPlace extends ResumedRun {
  readonly fenced: readonly Fenced[];
  /** How many tasks are in another state than before, or have another result. */
  readonly restored: number;
  /** How many were made since, and are out of the graph. */
  readonly superseded: number;
  /** How many events that had come since for wait steps are kept no longer. */
  readonly droppedSignals: number;
}

/**
 * Takes a run back to how it stood. What was under way is fenced off, and what came of it since counts no longer; all of it stays in
 * the history. Errors: `not_found`, `invalid_transition`.
 */
export function* resumeInPlace(
  ctx: EngineContext,
  { checkpoint, snapshot: kept, agent }: Resuming,
): Tx<ResumedInPlace> {
  yield* requireUnarchived(checkpoint.project);
  const { run, held, children } = yield* lockWithHeld(checkpoint);
  requireResumable(run);
  const why = `the run was taken back to ${checkpoint.id}`;
  const fenced = yield* fenceOff(ctx, run, { held, note: `fenced off: ${why}` });
  const snapshot = { ...kept, tasks: yield* withLiveChildren(kept.tasks, ctx.now) };
  const present = yield* snapshotRun(ctx, run.id);
  if (!present) throw new Error(`run ${run.id} is gone under its own lock`);
  const made = yield* restorationOf(ctx, {
    snapshot,
    present: openSnapshot(present),
    fenced: new Set(fenced.map(({ task }) => task)),
    checkpoint: checkpoint.id,
  });
  yield* deleteLanes(run.id);
  yield* writeRestoration(ctx, made, `${why}: what was tried since does not count`);
  const droppedSignals = yield* replaceSignals(run.id, snapshot.signals);
  yield* restoreDeadLetters(ctx, { run, deadLetters: snapshot.letters, by: agent, note: why });
  // Artifacts put since stay, and count for nothing.
  if (snapshot.artifacts) yield* supersedeOthers(run.id, snapshot.artifacts);
  const figures = { fenced: fenced.length, restored: made.changed.length, superseded: made.superseded.length };
  const event = {
    type: "run.resumed_from_checkpoint" as const,
    agent,
    data: {
      checkpoint: checkpoint.id,
      ...(checkpoint.label !== null && { label: checkpoint.label }),
      status: snapshot.run["status"],
      ...figures,
      dropped_signals: droppedSignals,
    },
  };
  const resumed = yield* resumeRestored(ctx, {
    // A child run's parent is checked again. Money spent stays spent.
    run: {
      ...snapshot.run,
      revision: run.revision + 1,
      due_at: run.parentTask === null ? null : ctx.now,
      budget_of: run.budgetOf,
      over_budget: run.overBudget ? 1 : 0,
    },
    origin: run.id,
    tasks: made.rows,
    toStop: new Set(tasksToStop(snapshot.tasks).map(({ row }) => idOf(row))),
    events: [event, ...made.events],
  });
  // Child runs may have ended since, and may be waited for again or no longer.
  yield* wakeRuns(children, ctx.now);
  if (resumed.run.endedAt === null)
    yield* pauseOrResumeWithin(ctx, run.id, { agent, event: resumed.run.status === "paused" ? "pause" : "resume" });
  yield* freeResourcesOf(ctx, held);
  ctx.onDue?.();
  return { ...resumed, ...figures, fenced, droppedSignals };
}

interface LockedRun {
  readonly run: Run;
  readonly held: readonly HeldTask[];
  /** The runs that it has started, ended ones too. */
  readonly children: readonly string[];
}

/** Locks the project, and in their order the run, those within it, and those that have work parked on what its tasks hold. */
function* lockWithHeld({ run: id, project }: Checkpoint): Tx<LockedRun> {
  yield* lockProject(project);
  // Under the project's lock no other transaction locks a file for a task, parks work on one, or starts a run.
  const locks = new Map<string, readonly Lock[]>();
  for (const { task } of yield* heldTasksOf(id)) {
    if (task.holdsFiles) locks.set(task.id, yield* locksOfTask(task.id));
  }
  const requests = [...new Set([...locks.values()].flat().map(({ request }) => request))];
  const parkedRuns = new Set(requests.length === 0 ? [] : yield* runsParkedOn(requests));
  const children = yield* childrenOf(id);
  yield* lockRuns([...parkedRuns, id, ...children, ...(yield* openDescendants(id))]);
  const run = (yield* lockRun(id)) ?? (yield* requireRun(id));
  const held: HeldTask[] = [];
  for (const { task, spec } of yield* heldTasksOf(id)) {
    const own = locks.get(task.id);
    if (task.holdsFiles && own === undefined) throw new RestartTransaction(`task ${task.id} has come to hold files`);
    held.push({ task, spec, run, files: own && { locks: own, parkedRuns } });
  }
  return { run, held, children };
}

/**
 * Where a run that cannot be taken back is refused: one that is being compensated, and whatever else has live parts that no copy
 * holds. Errors: `invalid_transition`.
 */
function requireResumable(run: Run): void {
  if (run.status !== "compensating") return;
  throw notInState(run, `Run ${run.id} is compensating; resume it when that is over, or fork it.`);
}

interface Fencing {
  readonly held: readonly HeldTask[];
  readonly note: string;
}

// Milestones that the restored run completes are locked before the resources.
const FENCED = { event: "lose_lease", outcome: "cancelled", fenced: true, keepsResources: true } as const;

/** Ends every attempt that is under way as a lost lease does: its record, its files, what waited for them. */
function* fenceOff(ctx: EngineContext, run: Run, { held, note }: Fencing): Tx<Fenced[]> {
  if (held.length === 0) return [];
  const change = new RunChange(ctx, run);
  const fenced: Fenced[] = [];
  for (const locked of held) {
    const { id, key, agent, token, attempt } = locked.task;
    yield* endAttempt(change, locked, { ...FENCED, note });
    change.record({ type: "task.fenced_off", task: id, agent, data: { key, token, attempt } });
    fenced.push({ task: id, key, agent: agent ?? "", token });
  }
  yield* change.flush();
  return fenced;
}
