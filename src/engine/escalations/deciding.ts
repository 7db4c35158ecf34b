import { BatonError } from "../../base/errors.js";
import type { Budget } from "../../store/cost/budgets.js";
import { type Escalation, findEscalation, updateEscalation } from "../../store/escalations/escalations.js";
import { putOff } from "../../store/escalations/elicitations.js";
import { appendEvents } from "../../store/events/events.js";
import { saveSpec, stopWaiting } from "../../store/tasks/server-steps.js";
import type { Task } from "../../store/tasks/tasks.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import { actingAgent } from "../agents/agents.js";
import { partiesOf } from "../agents/parties.js";
import { rolesOf } from "../channels/addresses.js";
import { type EngineContext, SERVER } from "../context.js";
import { type LockedTask, lockTask } from "../lifecycle/locked-task.js";
import { taskMachine } from "../lifecycle/machines.js";
import { readyTasks } from "../lifecycle/ready.js";
import { RunChange } from "../lifecycle/run-change.js";
import { channelOf, mayLead, requirePerson } from "../person.js";
import { transition } from "../machine.js";
import { requireConditions } from "../supervision/conditions.js";
import type { WaitEnded } from "../signals/wait-steps.js";
import { announce, answer, escalationEvent, leadRoles } from "./announcements.js";
import { lockForRaise, raiseBudget } from "./overrides.js";
import { DEFAULT_DECISIONS, tierAbove, timeOf } from "./tiers.js";

export interface TierDecision {
  readonly id: string;
  readonly decision: "approved" | "approved_with_conditions" | "rejected" | "deferred";
  readonly conditions?: readonly string[] | undefined;
  readonly note?: string | undefined;
  /** By how much an approval raises the budget that the question is about, in US dollars. */
  readonly amount?: number | undefined;
  readonly agent?: string | undefined;
}

/** An escalation as a change leaves it, with the task that goes on by it. */
export interface EscalationChanged {
  readonly escalation: Escalation;
  readonly resumed: WaitEnded | undefined;
  /** The budget as the approval has raised it. */
  readonly raised?: Budget | undefined;
}

/** Whether an id is that of an escalation that an agent has made; the others are those of tasks. */
export function isEscalation(id: string): boolean {
  return id.startsWith("escalation_");
}

/**
 * Decides an escalation, as those of its tier may, and a person at any: its task, where it waits, is ready again, with the conditions
 * among its criteria. Deferred, it goes to the next tier, or a person takes more time. Errors: `not_found`; `not_permitted` for the
 * agent that asks, over its connection too, and for one without a role of the tier; `invalid_transition` for a closed one.
 */
export function* decideByTier(ctx: EngineContext, decision: TierDecision): Tx<EscalationChanged> {
  const by = yield* requireDecider(ctx, decision);
  // A budget is locked with its runs, before the run of a task that waits.
  const budget = yield* lockForRaise(decision);
  const { escalation, locked } = yield* lockOpen(decision.id);
  requireTier(ctx, by, { escalation, leads: yield* leadRoles(escalation.project) });
  const note = decision.note ?? null;
  if (decision.decision === "deferred") return yield* defer(ctx, { escalation, note, by: by.name });
  requireConditions(decision);
  const { conditions = [] } = decision;
  const status = conditions.length > 0 ? "approved_with_conditions" : decision.decision;
  const { amount } = decision;
  const raised = budget === null ? undefined : yield* raiseBudget(ctx, { id: budget, amount, by: by.name });
  const changed = yield* close(
    ctx,
    { ...escalation, status, conditions, note, decidedBy: by.name },
    { before: escalation, locked },
  );
  return { ...changed, raised };
}

interface Decider {
  readonly name: string;
  readonly isPerson: boolean;
  readonly roles: readonly string[];
  readonly parties: ReadonlySet<string>;
}

function* requireDecider(ctx: EngineContext, { id, agent }: TierDecision): Tx<Decider> {
  if (ctx.caller.channel === "human") return { name: ctx.caller.agent, isPerson: true, roles: [], parties: new Set() };
  // The handle of a command line is the user's name, as a person's is: a program that calls it names an agent's.
  if (ctx.caller.session === null && agent === undefined)
    requirePerson(ctx, {
      matter: "decide_escalation is for a person, or for an agent that names its handle.",
      way: `A person decides at a terminal: baton approve ${id}.`,
      details: { escalation: id },
    });
  const acting = yield* actingAgent(ctx, agent);
  return { name: acting.name, isPerson: false, roles: rolesOf(acting), parties: partiesOf(acting.name, ctx.caller) };
}

/** The escalation, under the lock of the run of its task where one waits for it. Errors: `not_found`, `invalid_transition`. */
function* lockOpen(id: string): Tx<{ escalation: Escalation; locked: LockedTask | undefined }> {
  const known = yield* findEscalation(id);
  if (!known) {
    throw new BatonError("not_found", `There is no escalation ${id}.`, {
      details: { escalation: id },
      next: [{ tool: "query_operation", arguments: { name: "list_escalations", arguments: {} } }],
    });
  }
  const locked = known.token === null || known.task === null ? undefined : yield* lockTask(known.task);
  const escalation = (yield* findEscalation(id)) ?? known;
  if (escalation.decidedAt === null) return { escalation, locked };
  const { status, decidedBy } = escalation;
  const message = `Escalation ${id} is closed: ${decidedBy ?? SERVER} decided ${status} at ${new Date(escalation.decidedAt).toISOString()}. Nothing was changed.`;
  throw new BatonError("invalid_transition", message, {
    details: { escalation: id, status, decided_by: decidedBy },
    next: [{ tool: "query_operation", arguments: { name: "list_escalations", arguments: {} } }],
  });
}

interface TierCheck {
  readonly escalation: Escalation;
  readonly leads: readonly string[];
}

function requireTier({ caller }: EngineContext, by: Decider, { escalation, leads }: TierCheck): void {
  if (by.isPerson) return;
  const refuse = (why: string): never => {
    const { id, tier } = escalation;
    const seat =
      caller.seat?.refused === undefined ? "" : ` This terminal is not taken for a person's: ${caller.seat.refused}.`;
    const message = `Escalation ${id} is not for ${by.name} to decide: ${why}. Nothing was decided.${seat} A person decides at a terminal: baton approve ${id}.`;
    throw new BatonError("not_permitted", message, { details: { escalation: id, tier, status: escalation.status } });
  };
  if (escalation.parties.some((party) => by.parties.has(party)))
    refuse(`${escalation.askedBy} asks over the same handle or connection`);
  if (escalation.tier === "human") refuse("it waits for a person");
  if (escalation.tier === "lead" && !mayLead(caller)) refuse("its token is not that of a lead");
  if (escalation.tier === "lead" && !by.roles.some((role) => leads.includes(role)))
    refuse(`it waits for an agent with a role of ${leads.join(", ")}`);
}

interface Deferral {
  readonly escalation: Escalation;
  readonly note: string | null;
  readonly by: string;
}

/** Goes to the next tier; a person takes as much time again. */
function* defer(ctx: EngineContext, { escalation, note, by }: Deferral): Tx<EscalationChanged> {
  const byPerson = ctx.caller.channel === "human";
  const tier = byPerson ? "human" : (tierAbove(escalation.tier) ?? "human");
  const time = timeOf(ctx.settings, tier);
  const after: Escalation = { ...escalation, tier, status: "open", note, dueAt: ctx.now + time };
  yield* write(escalation, after);
  // No form asks it meanwhile; half of its time is left for another.
  const until = ctx.now + Math.min(ctx.settings.elicitation_again_ms, Math.floor(time / 2));
  if (byPerson) yield* putOff({ id: escalation.id, token: 0, until });
  yield* appendEvents(ctx, [escalationEvent("deferred", after, by)]);
  if (tier !== escalation.tier) yield* announce(ctx, after);
  return { escalation: after, resumed: undefined };
}

function* write(before: Escalation, after: Escalation): Tx<void> {
  if (!(yield* updateEscalation(before, after)))
    throw new RestartTransaction(`escalation ${after.id} has changed meanwhile`);
}

interface Closing {
  readonly before: Escalation;
  readonly locked: LockedTask | undefined;
}

function* close(ctx: EngineContext, decided: Escalation, { before, locked }: Closing): Tx<EscalationChanged> {
  const escalation: Escalation = { ...decided, dueAt: null, decidedAt: ctx.now };
  yield* write(before, escalation);
  const resumed = locked && waits(locked.task, before) ? yield* resume(ctx, locked, escalation) : undefined;
  const event = escalationEvent("decided", escalation, escalation.decidedBy ?? SERVER);
  const channel = escalation.decidedBy === SERVER ? { channel: "default" } : channelOf(ctx);
  yield* appendEvents(ctx, [{ ...event, data: { ...event.data, ...channel } }]);
  yield* answer(ctx, escalation);
  return { escalation, resumed };
}

/** Whether the task waits still for the decision of this escalation: it may have been cancelled, or restored, since. */
export function waits({ status, token }: Task, escalation: Escalation): boolean {
  return status === "waiting" && token === escalation.token;
}

function* resume(ctx: EngineContext, { task, spec, run, counters }: LockedTask, { conditions }: Escalation) {
  const change = new RunChange(ctx, run, counters);
  const pending: Task = { ...task, status: transition(taskMachine, task, "resume"), readyAt: null };
  if (conditions.length > 0) yield* saveSpec(task.id, { ...spec, criteria: [...(spec.criteria ?? []), ...conditions] });
  yield* stopWaiting(task.id);
  change.move(task, pending.status);
  const ready = yield* readyTasks(change, [pending]);
  return { task: ready[0] ?? pending, ready, ...(yield* change.flush()) };
}

/**
 * Moves an escalation whose time is over to the next tier, or takes its default decision; closes it where the task that waited for it
 * does not any more. Returns how many were changed.
 */
export function* lapseEscalation(ctx: EngineContext, id: string): Tx<number> {
  const known = yield* findEscalation(id);
  if (!known) return 0;
  const locked = known.token === null || known.task === null ? undefined : yield* lockTask(known.task);
  const escalation = (yield* findEscalation(id)) ?? known;
  if (escalation.dueAt === null || escalation.dueAt > ctx.now) return 0;
  if (locked && !waits(locked.task, escalation)) {
    const over: Escalation = { ...escalation, status: "void", dueAt: null, decidedAt: ctx.now, decidedBy: SERVER };
    yield* write(escalation, over);
    yield* appendEvents(ctx, [escalationEvent("void", over, SERVER)]);
    return 1;
  }
  const tier = ctx.settings.auto_escalate_on_timeout ? tierAbove(escalation.tier) : undefined;
  if (tier === undefined) yield* decideByDefault(ctx, { before: escalation, locked });
  else yield* climb(ctx, escalation, { ...escalation, tier, dueAt: ctx.now + timeOf(ctx.settings, tier) });
  return 1;
}

function* climb(ctx: EngineContext, before: Escalation, after: Escalation): Tx<void> {
  yield* write(before, after);
  yield* appendEvents(ctx, [escalationEvent("climbed", after, SERVER)]);
  yield* announce(ctx, after);
}

function* decideByDefault(ctx: EngineContext, closing: Closing): Tx<void> {
  const { before } = closing;
  const decision = DEFAULT_DECISIONS[before.type];
  if (decision !== "pause") {
    const status = decision === "retry" ? "retry" : "rejected";
    yield* close(ctx, { ...before, status, decidedBy: SERVER }, closing);
    return;
  }
  // An unclear requirement stays one: its task waits on, and a person may decide at any time.
  const paused: Escalation = { ...before, tier: "human", status: "paused", dueAt: null };
  yield* write(before, paused);
  yield* appendEvents(ctx, [escalationEvent("paused", paused, SERVER)]);
  yield* answer(ctx, { ...paused, decidedBy: SERVER });
}
