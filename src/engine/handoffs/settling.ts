import { appendEvents, type NewEvent } from "../../store/events/events.js";
import { endHandoff, endUnkeptHandoffs, type Handoff } from "../../store/channels/handoffs.js";
import type { Tx } from "../../store/tx.js";
import type { EffectContext, EffectResult, RunOutcome } from "../effect.js";

/**
 * Ends the offer of a task that ended under its holder, that the addressee has claimed after it came back, or that is not kept for the
 * addressee any more. Tasks with an offer are reserved: without one no statement is yielded.
 */
export function* settleHandoffs(ctx: EffectContext, { moves, unreserved }: RunOutcome): Tx<EffectResult> {
  const events: NewEvent[] = [];
  for (const { task, to } of moves) {
    // It comes back reserved, and is then the addressee's to claim.
    if (task.reservedFor === null || to === "ready" || to === "pending") continue;
    const ended = yield* endHandoff(task.id, { status: to === "running" ? "accepted" : "void", at: ctx.now });
    if (ended) events.push(handoffEvent(ended));
  }
  for (const { id } of unreserved) {
    const ended = yield* endHandoff(id, { status: "void", at: ctx.now });
    if (ended) events.push(handoffEvent(ended));
  }
  return { events };
}

/** Ends the offers of a restored run's tasks that are as they were before they were offered, or held. */
export function* settleRestored(ctx: EffectContext, run: string): Tx<void> {
  const ended = yield* endUnkeptHandoffs(run, ctx.now);
  if (ended.length > 0) yield* appendEvents(ctx, ended.map(handoffEvent));
}

/** The event of an offer, as it stands. */
export function handoffEvent({ id, project, run, task, sender, recipient, status }: Handoff): NewEvent {
  return { type: `task.handoff_${status}`, project, run, task, agent: sender, data: { handoff: id, to: recipient } };
}
