import type { NewEvent } from "../../store/events/events.js";
import { lockMilestones } from "../../store/lock-order.js";
import { markDone, type Milestone, saveMilestone, waitingFor } from "../../store/milestones/milestones.js";
import type { Tx } from "../../store/tx.js";
import type { EffectContext, EffectResult, RunOutcome } from "../effect.js";

/**
 * Marks what has succeeded in the milestones that wait for it, and completes those that wait for nothing more. Yields no statement
 * where none can wait: the run's counters say so for the run and its tasks, and a run without a stored workflow stands for no other.
 */
export function* advanceMilestones(ctx: EffectContext, outcome: RunOutcome): Tx<EffectResult> {
  const targets = targetsOf(outcome);
  if (targets.length === 0) return {};
  const waiting = yield* waitingFor(targets);
  const events: NewEvent[] = [];
  // Two changes that complete one milestone together each see, under its lock, what the other has marked.
  for (const milestone of yield* lockMilestones(waiting)) {
    if (milestone.status === "completed") continue;
    const done = yield* markDone(milestone.id, targets);
    events.push(...(yield* progressTo(ctx, milestone, done)));
  }
  return { events };
}

function targetsOf({ run, counters, moves, runEnded }: RunOutcome): string[] {
  const succeeded = runEnded && run.status === "succeeded";
  return [
    ...(counters.milestones ? moves.flatMap(({ task, to }) => (to === "succeeded" ? [task.id] : [])) : []),
    ...(counters.milestones && succeeded ? [run.id] : []),
    ...(succeeded && run.workflow !== null ? [run.workflow] : []),
  ];
}

/** Saves how many links of an open milestone, whose row is locked, have succeeded; the last completes it. */
export function* progressTo(ctx: EffectContext, milestone: Milestone, done: number): Tx<NewEvent[]> {
  if (done === milestone.done && done < milestone.links) return [];
  const completed = done >= milestone.links;
  yield* saveMilestone({
    ...milestone,
    done,
    ...(completed ? { status: "completed", completedAt: ctx.now, completedBy: null } : {}),
  });
  return completed ? [completion(milestone, { by: null, links: milestone.links })] : [];
}

/** The event of a completed milestone; `by` is null where it completed itself. */
export function completion(
  { id, project, name, dueAt }: Milestone,
  { by, ...data }: { readonly by: string | null } & Readonly<Record<string, unknown>>,
): NewEvent {
  return { type: "milestone.completed", project, agent: by, data: { milestone: id, name, due_at: dueAt, ...data } };
}
