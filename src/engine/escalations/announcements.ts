import { SERVER } from "../context.js";
import type { EngineContext } from "../context.js";
import { iso } from "../../base/time.js";
import { type Escalation, findEscalation, updateEscalation } from "../../store/escalations/escalations.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import type { Tx } from "../../store/tx.js";
import { type Addressee, addressOf } from "../channels/addresses.js";
import { beginThread } from "../channels/messages.js";
import { rolesFrom } from "../supervision/tiers.js";
import { findProjectByReference } from "../../store/projects/projects.js";

/** Roles that are told of an escalation. */
const ROLES_MAX = 10;

type EscalationStep = "opened" | "asked" | "climbed" | "deferred" | "paused" | "decided" | "void";

/** The event of an escalation, as it stands. */
export function escalationEvent(type: EscalationStep, escalation: Escalation, agent: string): NewEvent {
  const { id, project, run, task, tier, status, askedBy } = escalation;
  const data = { escalation: id, of: escalation.type, tier, status, from: askedBy };
  return { type: `escalation.${type}`, project, run, task, agent, data };
}

/** Closes a question that nothing asks any more, unless it is closed. Returns how many were. */
export function* voidEscalation(ctx: EngineContext, id: string | null): Tx<number> {
  const open = id === null ? undefined : yield* findEscalation(id);
  if (open === undefined) return 0;
  const over: Escalation = { ...open, status: "void", dueAt: null, decidedAt: ctx.now, decidedBy: SERVER };
  if (!(yield* updateEscalation(open, over))) return 0;
  yield* appendEvents(ctx, [escalationEvent("void", over, SERVER)]);
  return 1;
}

/** Tells those who may decide at the tier of an escalation, but a person, who is asked elsewhere. */
export function* announce(ctx: EngineContext, escalation: Escalation): Tx<void> {
  for (const addressee of yield* decidersOf(escalation)) {
    const { id, project, run, type, title, details, askedBy, tier, dueAt } = escalation;
    const body = [title, ...(details === null ? [] : [details])].join("\n\n");
    const data = { escalation: id, type, tier, ...(dueAt === null ? {} : { due_at: iso(dueAt) }) };
    const subject = `Decide ${type} ${id}: decide_escalation`;
    const address = addressOf(addressee, project);
    // A question is for others than the holder of the task.
    yield* beginThread(ctx, {
      project,
      run,
      task: null,
      address,
      sender: askedBy,
      type: "question",
      subject,
      body,
      data,
    });
  }
}

function* decidersOf({ project, tier }: Escalation): Tx<Addressee[]> {
  if (tier === "human") return [];
  if (tier === "agent") return [{ kind: "all" }];
  const roles = yield* leadRoles(project);
  return roles.slice(0, ROLES_MAX).map((name) => ({ kind: "role", name }));
}

/** Roles whose agents decide at the tier of leads: those of leads and of architects. */
export function* leadRoles(project: string): Tx<readonly string[]> {
  return rolesFrom((yield* findProjectByReference(project))?.config ?? {}, "lead");
}

/** Tells the agent that asked; bound to the task that waits, so that it stands in the brief of the next holder too. */
export function* answer(ctx: EngineContext, escalation: Escalation): Tx<void> {
  if (escalation.askedBy === SERVER) return;
  const { id, project, run, task, type, title, status, conditions, note, askedBy } = escalation;
  const by = escalation.decidedBy ?? SERVER;
  const how = by === SERVER ? " by default, since no decision came in time" : "";
  const lines = [`${title}: ${status}${how}.`, ...conditions.map((condition) => `Condition: ${condition}`)];
  const body = note === null ? lines.join("\n") : [...lines, note].join("\n");
  yield* beginThread(ctx, {
    project,
    run,
    task,
    address: addressOf({ kind: "agent", name: askedBy }, project),
    sender: by,
    type: "answer",
    subject: `${type} ${status}`,
    body,
    data: { escalation: id, decision: status, ...(conditions.length === 0 ? {} : { conditions: [...conditions] }) },
  });
}
