import { BatonError, callOperation } from "../../base/errors.js";
import { iso } from "../../base/time.js";
import type { FoundAgent } from "../../store/agents/agents.js";
import { type Handoff, dueHandoffs, endHandoff, findHandoff, insertHandoff } from "../../store/channels/handoffs.js";
import { appendEvents } from "../../store/events/events.js";
import { findDemand, saveDemands } from "../../store/scheduling/lanes.js";
import type { Task } from "../../store/tasks/tasks.js";
import { reserveHeld } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import { connectionOf, requireAgent } from "../agents/agents.js";
import { type CallerConnection, partiesOf, withTasksWorkedOn } from "../agents/parties.js";
import { addressOf } from "../channels/addresses.js";
import { beginThread } from "../channels/messages.js";
import type { EngineContext } from "../context.js";
import { lockTask, type LockedTask, requireHeld, type TaskToken } from "../lifecycle/locked-task.js";
import { isExcluded, reservedDemand } from "../scheduling/demands.js";
import { reserveTask } from "../tasks/assignments.js";
import { handoffEvent } from "./settling.js";

export type { Handoff } from "../../store/channels/handoffs.js";

export interface HandoffRequest extends TaskToken {
  readonly to: string;
  readonly reason: string;
  readonly context?: unknown;
  readonly artifacts?: readonly string[] | undefined;
}

/**
 * Offers a held task to another agent, which is told by a message. The task stays with its holder until the other accepts; if it comes
 * back before, it is reserved for the other. A second offer takes the place of the first. Errors: `stale_token`; `not_found` for an
 * unknown agent; `not_permitted` for one that worked on what the task checks; `invalid_input`.
 */
export function* requestHandoff(ctx: EngineContext, request: HandoffRequest): Tx<Handoff> {
  const recipient = yield* requireAgent(request.to);
  const held = yield* requireHeld(ctx, request);
  const { task } = held;
  const sender = task.agent ?? "";
  if (recipient.name === sender) throw refusal("invalid_input", task, `${sender} holds it already`);
  if (task.kind !== "agent" && task.kind !== "plan") throw refusal("invalid_input", task, `it is a ${task.kind} step`);
  if (task.orders === "cancel_requested")
    throw refusal("invalid_transition", task, "it is being cancelled: release it");
  if (task.orders === "preempted")
    throw refusal("invalid_transition", task, "it gives way to another task: release it");
  yield* requireTaker(task, recipient, connectionOf(recipient));
  const before = yield* endHandoff(task.id, { status: "void", at: ctx.now, note: "another offer took its place" });
  const handoff: Handoff = {
    id: ctx.newId("handoff"),
    project: task.project,
    run: task.run,
    task: task.id,
    token: task.token,
    sender,
    recipient: recipient.name,
    reason: request.reason,
    context: request.context ?? null,
    artifacts: request.artifacts ?? [],
    status: "requested",
    createdAt: ctx.now,
    expiresAt: ctx.now + ctx.settings.handoff_ms,
    endedAt: null,
    note: null,
  };
  yield* insertHandoff(handoff);
  yield* reserveFor(task, { recipient: recipient.name, until: handoff.expiresAt });
  yield* appendEvents(ctx, [...(before ? [handoffEvent(before)] : []), handoffEvent(handoff)]);
  const data = {
    handoff: handoff.id,
    expires_at: iso(handoff.expiresAt),
    context: request.context,
    artifacts: request.artifacts,
    answer: callOperation("respond_handoff", { handoff: handoff.id, accept: true }),
  };
  yield* tell(ctx, handoff, {
    by: sender,
    to: recipient.name,
    subject: `Take over ${task.key}?`,
    body: request.reason,
    data,
  });
  return handoff;
}

/** Reserves a held task for the case that it comes back; with null it goes to any agent then. */
export function* reserveFor(task: Task, reservation: { recipient: string; until: number } | null): Tx<void> {
  const demand = yield* findDemand(task.demand);
  if (!demand) throw new Error(`task ${task.id} has no demand`);
  const { recipient = null, until = null } = reservation ?? {};
  const next = reservedDemand(demand, recipient);
  yield* saveDemands([next, reservedDemand(demand, null)]);
  yield* reserveHeld({ ...task, demand: next.id, reservedFor: recipient, reservedUntil: until });
}

/** Errors: `not_permitted` for an agent, or its connection, that worked on what the task checks. */
export function* requireTaker(task: Task, { name }: Pick<FoundAgent, "name">, connection: CallerConnection): Tx<void> {
  const demand = yield* findDemand(task.demand);
  if (!demand || demand.notBy.length === 0) return;
  const offer = { agent: name, parties: partiesOf(name, connection) };
  if (!isExcluded(yield* withTasksWorkedOn(offer, [demand]), demand)) return;
  throw refusal("not_permitted", task, `${name}, or its connection, worked on what it checks (not_by)`);
}

export function refusal(
  code: "invalid_input" | "invalid_transition" | "not_permitted",
  task: Task,
  why: string,
): BatonError {
  return new BatonError(code, `Task ${task.key} (${task.id}) cannot be handed over: ${why}. Nothing was changed.`, {
    details: { task: task.id, status: task.status, held_by: task.agent },
    next: [{ tool: "get_task", arguments: { task: task.id } }],
  });
}

interface Telling {
  readonly by: string;
  readonly to: string;
  readonly subject: string;
  readonly body: string;
  readonly data?: unknown;
}

/** Sends a message of the type handoff about an offer. */
export function* tell(ctx: EngineContext, handoff: Handoff, { by, to, subject, body, data }: Telling): Tx<void> {
  const { project, task, run } = handoff;
  const address = addressOf({ kind: "agent", name: to }, project);
  const said = { subject, body, data: data ?? { handoff: handoff.id, status: handoff.status } };
  yield* beginThread(ctx, { project, task, run, address, sender: by, type: "handoff", ...said });
}

/** An offer that its addressee answers, and the rows of its task, locked. Errors: `not_found`, `not_permitted`, `invalid_transition`. */
export function* lockOffer(
  ctx: EngineContext,
  id: string,
  recipient: string,
): Tx<{ handoff: Handoff; locked: LockedTask }> {
  const known = yield* findHandoff(id);
  if (!known) {
    throw new BatonError("not_found", `There is no handoff ${id}: its id is in the message that offers it.`, {
      details: { handoff: id },
      next: [{ tool: "read_messages", arguments: {} }],
    });
  }
  if (known.recipient !== recipient) {
    const message = `Handoff ${id} is offered to ${known.recipient}, and this call acts as ${recipient}. Nothing was changed.`;
    throw new BatonError("not_permitted", message, { details: { handoff: id, to: known.recipient, agent: recipient } });
  }
  const locked = yield* lockTask(known.task);
  const handoff = (yield* findHandoff(id)) ?? known;
  if (handoff.status !== "requested" || handoff.expiresAt <= ctx.now) throw overOffer(handoff, locked.task);
  if (!isOpen(handoff, locked.task)) throw overOffer({ ...handoff, status: "void" }, locked.task);
  return { handoff, locked };
}

/** Whether the task is still with the one that offers it, or has come back and waits for the addressee. */
function isOpen({ token, recipient }: Handoff, task: Task): boolean {
  if (task.status === "running") return task.token === token;
  return (task.status === "ready" || task.status === "pending") && task.reservedFor === recipient;
}

function overOffer({ id, status, expiresAt, sender }: Handoff, task: Task): BatonError {
  const now = status === "requested" ? "lapsed" : status;
  const holder = task.agent === null ? `the task is ${task.status}` : `${task.agent} holds the task`;
  const message = `Handoff ${id} is ${now}; ${holder}. Nothing was changed. Its holder can offer it again.`;
  return new BatonError("invalid_transition", message, {
    details: { handoff: id, status: now, from: sender, expires_at: iso(expiresAt), task: task.id, held_by: task.agent },
    next: [{ tool: "get_task", arguments: { task: task.id } }],
  });
}

/** Declines an offer: the task stays with its holder, or goes to any agent. Errors: as `lockOffer`. */
export function* declineHandoff(
  ctx: EngineContext,
  answer: { handoff: string; note?: string | undefined },
  recipient: string,
): Tx<Handoff> {
  const { handoff, locked } = yield* lockOffer(ctx, answer.handoff, recipient);
  const declined = yield* close(ctx, handoff, { status: "declined", locked, note: answer.note });
  yield* tell(ctx, declined, {
    by: recipient,
    to: handoff.sender,
    subject: `${locked.task.key} is not taken over`,
    body: answer.note ?? "Declined.",
  });
  return declined;
}

interface Closing {
  readonly status: "declined" | "lapsed";
  readonly locked: LockedTask;
  readonly note?: string | undefined;
}

function* close(ctx: EngineContext, handoff: Handoff, { status, locked, note }: Closing): Tx<Handoff> {
  const { task } = locked;
  const ended = (yield* endHandoff(task.id, { status, at: ctx.now, note })) ?? handoff;
  yield* appendEvents(ctx, [handoffEvent(ended)]);
  if (task.reservedFor !== handoff.recipient) return ended;
  if (task.status === "running") yield* reserveFor(task, null);
  else if (task.status === "ready" || task.status === "pending") yield* reserveTask(ctx, locked, null);
  return ended;
}

/** Unanswered offers whose time is over. A query. */
export function* dueOffers(ctx: EngineContext, limit: number): Tx<string[]> {
  return (yield* dueHandoffs(ctx.now, limit)).map(({ id }) => id);
}

/** Ends an offer that was not answered in time, and tells the agent that made it. Returns 1, or 0 where it was answered meanwhile. */
export function* lapseHandoff(ctx: EngineContext, id: string): Tx<number> {
  const known = yield* findHandoff(id);
  if (!known) return 0;
  const locked = yield* lockTask(known.task);
  const handoff = (yield* findHandoff(id)) ?? known;
  if (handoff.status !== "requested" || handoff.expiresAt > ctx.now) return 0;
  const lapsed = yield* close(ctx, handoff, { status: "lapsed", locked });
  const body = `${handoff.recipient} has not answered in time. The task is ${locked.task.agent === handoff.sender ? "still yours" : locked.task.status}.`;
  yield* tell(ctx, lapsed, {
    by: handoff.recipient,
    to: handoff.sender,
    subject: `${locked.task.key} is not taken over`,
    body,
  });
  return 1;
}
