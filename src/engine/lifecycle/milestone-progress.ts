import type { Counters } from "../../store/runs/counters.js";
import type { NewEvent } from "../../store/events/events.js";
import { lockMilestones } from "../../store/lock-order.js";
import { markDone, type Milestone, milestoneOf, saveMilestone, waitingFor } from "../../store/milestones/milestones.js";
import type { Run } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

/** What a transaction has brought to a good end. */
export interface Ended {
  /** As it is now. */
  readonly run: Run;
  readonly counters: Counters;
  /** Ids of tasks. */
  readonly succeeded: readonly string[];
  /** Whether the run ended just now. */
  readonly runEnded: boolean;
}

/**
 * Takes what has ended well off the milestones that wait for it, and completes those that wait for nothing more. Without a statement
 * where none can wait: the run's counters say so for itself and its tasks, and a run of no stored workflow is no other's. Gives the
 * events to be told.
 */
export function* reachMilestones(ctx: EngineContext, ended: Ended): Tx<NewEvent[]> {
  const targets = targetsOf(ended);
  if (targets.length === 0) return [];
  const waiting = yield* waitingFor(targets);
  const events: NewEvent[] = [];
  // Two ends that complete one together each see, under its lock, what the other has done.
  for (const row of yield* lockMilestones(waiting)) {
    const milestone = milestoneOf(row);
    if (milestone.status === "completed") continue;
    const done = yield* markDone(milestone.id, targets);
    events.push(...(yield* progressTo(ctx, milestone, done)));
  }
  return events;
}

function targetsOf({ run, counters, succeeded, runEnded }: Ended): string[] {
  const well = runEnded && run.status === "succeeded";
  return [
    ...(counters.milestones ? succeeded : []),
    ...(counters.milestones && well ? [run.id] : []),
    ...(well && run.workflow !== null ? [run.workflow] : []),
  ];
}

/** Notes how many links of an open milestone, whose row is held, have ended well; with the last it is completed. */
export function* progressTo(ctx: EngineContext, milestone: Milestone, done: number): Tx<NewEvent[]> {
  if (done === milestone.done && done < milestone.links) return [];
  const completed = done >= milestone.links;
  yield* saveMilestone({
    ...milestone,
    done,
    ...(completed ? { status: "completed", completedAt: ctx.now, completedBy: null } : {}),
  });
  return completed ? [completion(milestone, { by: null, links: milestone.links })] : [];
}

/** The event of a milestone that is reached; `by` is null where it completed itself. */
export function completion(
  { id, project, name, dueAt }: Milestone,
  { by, ...data }: { readonly by: string | null } & Readonly<Record<string, unknown>>,
): NewEvent {
  return { type: "milestone.completed", project, agent: by, data: { milestone: id, name, due_at: dueAt, ...data } };
}
