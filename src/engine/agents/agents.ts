import * as agents from "../../store/agents/agents.js";
import { appendEvents } from "../../store/events/events.js";
import { lockAgent } from "../../store/lock-order.js";
import { renewLeases } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { type CallerConnection, partiesOf } from "./parties.js";
import { hear, isSilent } from "./presence.js";
import { withWider } from "../scheduling/capability-tags.js";
import type { Offer } from "../scheduling/demands.js";
import type { EventType } from "../../base/notifications/event-types.js";
import { BatonError } from "../../base/errors.js";
import { hint, isName, NAME_RULE } from "../../base/names.js";

export interface Registration extends agents.AgentProfile {
  readonly name: string;
  readonly capabilities?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly max_concurrent_tasks?: number | undefined;
}

/**
 * The agent that acts in a call: the handle named, or the caller's own. An unknown one is registered, since this is a write.
 * Errors: `invalid_input` for a handle that is no name; `not_permitted` for the name of a person or of the server.
 */
export function* actingAgent(ctx: EngineContext, handle?: string): Tx<agents.FoundAgent> {
  const name = handle ?? ctx.caller.agent;
  refuseReserved(ctx, name);
  const known = yield* agents.findAgent(name);
  if (known?.status === "active") return yield* heardOf(ctx, known);
  return (yield* registerAgent(ctx, { name })).agent;
}

// A lease is renewed when a tenth of it is over: often enough, and most calls write nothing for it.
const RENEWALS_PER_LEASE = 10;

// An agent without a process has no background renewal, so its own calls renew its leases and end its silence; those of the others
// are recorded with the session's renewal. An agent that comes from another process than the last time is recorded as present there.
function* heardOf(ctx: EngineContext, known: agents.FoundAgent): Tx<agents.FoundAgent> {
  const { lease_ms } = ctx.settings;
  const from = ctx.caller.session?.id ?? null;
  const agent = from === null && isSilent(known) ? { ...known, ...(yield* hear(ctx, known)) } : known;
  const { name, session, seenAt } = agent;
  const isRecent = from === null ? ctx.now - seenAt < lease_ms / RENEWALS_PER_LEASE : session === from;
  if (isRecent && agent === known) return agent;
  yield* agents.recordSignOfLife({ name, session: from, host: ctx.caller.host, at: ctx.now, loadNote: null });
  if (from === null) yield* renewLeases(name, ctx.now + lease_ms);
  return agent;
}

/** Returns the same agent in a query, which registers none. Errors: `not_found`. */
export function* callingAgent(ctx: EngineContext, handle?: string): Tx<agents.FoundAgent> {
  return yield* requireAgent(handle ?? ctx.caller.agent);
}

/** Registers an agent, or changes what is known of it: what is not named stays. `created` is false for a known one. */
export function* registerAgent(
  ctx: EngineContext,
  registration: Registration,
  onlyKnown = false,
): Tx<{ agent: agents.FoundAgent; created: boolean }> {
  const { name } = registration;
  requireHandle(ctx, name);
  if ((yield* agents.findAgent(name)) === undefined) {
    const agent = yield* agents.insertAgent(described(ctx, registration, { ...NEWCOMER, registeredAt: ctx.now }));
    if (agent) return { agent: yield* told(ctx, agent, "agent.registered"), created: true };
  }
  const known = yield* lockedAgent(name);
  if (onlyKnown && known.status !== "active") throw yield* noSuchAgent(name);
  const created = known.status !== "active";
  if (isSilent(known)) yield* hear(ctx, known);
  const agent = { ...known, ...described(ctx, registration, known), messagesSeen: null };
  yield* agents.saveAgent(agent);
  return { agent: yield* told(ctx, agent, created ? "agent.registered" : "agent.updated"), created };
}

/** An agent that is there, with its row locked, as it is then: what two say of it at once is all kept. */
function* lockedAgent(name: string): Tx<agents.FoundAgent> {
  yield* lockAgent(name);
  const agent = yield* agents.findAgent(name);
  if (!agent) throw new Error(`agent ${name} was removed, which nothing does`);
  return agent;
}

// These are who decides and who runs; an agent that called itself so would be mistaken for them.
export const RESERVED_HANDLES = new Set(["human", "baton", "executor", "system", "all"]);
/** How the handle of a server's own executor begins. */
export const EXECUTOR_PREFIX = "executor-";

function requireHandle(ctx: EngineContext, name: string): void {
  if (!isName(name)) {
    throw new BatonError("invalid_input", `"${name}" cannot be an agent's name: it needs ${NAME_RULE}.`);
  }
  refuseReserved(ctx, name);
}

function refuseReserved(ctx: EngineContext, name: string): void {
  const reserved = RESERVED_HANDLES.has(name) || name.startsWith(EXECUTOR_PREFIX);
  if (!reserved || ctx.caller.agent === name) return;
  const message = name.startsWith(EXECUTOR_PREFIX)
    ? `"${name}" is the handle of a server's own executor; no other agent acts under it.`
    : `"${name}" is not a name for an agent; a person acts through a person's channel.`;
  throw new BatonError("not_permitted", message, { details: { agent: name } });
}

const NEWCOMER = {
  capabilities: [],
  roles: [],
  maxConcurrentTasks: 1,
  profile: {},
  eventCursor: null,
  loadNote: null,
  presence: "present",
  lost: [],
  offeredRoles: [],
  messagesSeen: null,
  messagesProject: null,
} as const;

/** The agent with what it says now; what it does not name stays. */
function described(
  ctx: EngineContext,
  registration: Registration,
  before: Pick<agents.Agent, keyof typeof NEWCOMER | "registeredAt">,
): agents.Agent {
  const { version, specialization, persona, models, cost } = registration;
  const isExecutor = registration.name.startsWith(EXECUTOR_PREFIX);
  const said = Object.entries({ version, specialization, persona, models, cost }).filter(
    ([, value]) => value !== undefined,
  );
  return {
    ...before,
    name: registration.name,
    status: "active",
    capabilities: unique(registration.capabilities ?? before.capabilities),
    roles: unique(registration.roles ?? before.roles),
    maxConcurrentTasks: registration.max_concurrent_tasks ?? before.maxConcurrentTasks,
    profile: { ...before.profile, ...Object.fromEntries(said) },
    session: ctx.caller.session?.id ?? null,
    seenAt: ctx.now,
    heardAt: isExecutor ? null : ctx.now,
    host: ctx.caller.host,
    presence: isExecutor ? "exempt" : "present",
    silentAt: null,
    yieldsAt: null,
  };
}

function* told<T extends agents.Agent>(ctx: EngineContext, agent: T, type: EventType): Tx<T> {
  yield* appendEvents(ctx, [
    {
      type,
      agent: agent.name,
      data: { capabilities: agent.capabilities, roles: agent.roles, max_concurrent_tasks: agent.maxConcurrentTasks },
    },
  ]);
  return agent;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

/** An agent that is known. Errors: `not_found` with the nearest name. */
export function* requireAgent(name: string): Tx<agents.FoundAgent> {
  const agent = yield* agents.findAgent(name);
  if (agent?.status === "active") return agent;
  throw yield* noSuchAgent(name);
}

function* noSuchAgent(name: string): Tx<BatonError> {
  const names = yield* agents.agentNames(200);
  return new BatonError("not_found", `There is no agent "${name}"${hint(name, names)}.`, {
    details: { agent: name },
    next: [{ tool: "query_operation", arguments: { name: "list_agents", arguments: {} } }],
  });
}

export interface OfferedNow {
  readonly roles?: readonly string[] | undefined;
  readonly requires?: readonly string[] | undefined;
}

/** Returns an agent's offer in a claim over a connection: the roles and capabilities it registered, and those it names now. */
export function offerOf(
  agent: agents.Agent & { readonly hasBreaker?: boolean },
  more: OfferedNow,
  connection: CallerConnection,
): Offer {
  return {
    parties: partiesOf(agent.name, connection),
    agent: agent.name,
    roles: new Set([...agent.roles, ...(more.roles ?? [])]),
    capabilities: withWider([...agent.capabilities, ...(more.requires ?? [])]),
    carriesOut: undefined,
    hasBreaker: agent.hasBreaker,
  };
}

/** The connection from which an agent was heard of last. */
export function connectionOf({ session }: Pick<agents.Agent, "session">): CallerConnection {
  return { session: session === null ? null : { id: session }, clientSession: null };
}

/** As many live agents as are asked whether they could take a task. */
const LIVE_AGENTS_MAX = 500;

/** The offers of all live agents but the servers' own executors. */
export function* liveOffers(ctx: EngineContext): Tx<Offer[]> {
  return (yield* liveAgents(ctx)).map((agent) => offerOf(agent, {}, connectionOf(agent)));
}

/** Agents that are there now, the last heard first, without the executors of servers; a bounded number. */
export function* liveAgents(ctx: EngineContext): Tx<agents.Agent[]> {
  const live = { now: ctx.now, heardSince: ctx.now - ctx.settings.lease_ms, limit: LIVE_AGENTS_MAX };
  return (yield* agents.liveAgents(live)).filter(({ name }) => !name.startsWith(EXECUTOR_PREFIX));
}

/** Changes what is known of an agent. Errors: `not_found`. */
export function* updateAgent(
  ctx: EngineContext,
  change: Omit<Registration, "name"> & { readonly agent: string },
): Tx<agents.Agent> {
  const { agent: name, ...said } = change;
  yield* requireAgent(name);
  return (yield* registerAgent(ctx, { name, ...said }, true)).agent;
}

/** The context in which a named agent acts instead of the connection's own. Registers an unknown one, as `actingAgent` does. */
export function* actingAs(ctx: EngineContext, handle?: string): Tx<EngineContext> {
  const agent = yield* actingAgent(ctx, handle);
  return { ...ctx, caller: { ...ctx.caller, agent: agent.name } };
}
