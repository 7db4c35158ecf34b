import * as agents from "../store/agents.js";
import { appendEvents } from "../store/events.js";
import { renewLeases } from "../store/task-changes.js";
import type { Tx } from "../store/tx.js";
import type { EngineContext } from "./context.js";
import type { Offer } from "./demands.js";
import { BatonError } from "./errors.js";
import { hint, isName, NAME_RULE } from "./names.js";

export interface Registration {
  readonly name: string;
  readonly capabilities?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly max_concurrent_tasks?: number | undefined;
  readonly specialization?: Readonly<Record<string, number>> | undefined;
  readonly persona?: Readonly<Record<string, unknown>> | undefined;
  readonly models?: readonly string[] | undefined;
  readonly cost?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The agent that acts in a call: the handle named, or the caller's own. An unknown one is registered, since this is a write.
 * Errors: `invalid_input` for a handle that is no name; `not_permitted` for the name of a person or of the server.
 */
export function* actingAgent(ctx: EngineContext, handle?: string): Tx<agents.Agent> {
  const name = handle ?? ctx.caller.agent;
  refuseReserved(ctx, name);
  const known = yield* agents.findAgent(name);
  if (known?.status === "active") {
    if (ctx.caller.session === null) yield* heardOf(ctx, known);
    return known;
  }
  requireHandle(ctx, name);
  return yield* register(ctx, { name }, known);
}

// A lease is renewed when a tenth of it is over: often enough, and most calls write nothing for it.
const RENEWALS_PER_LEASE = 10;

// Nobody renews the leases of an agent without a process, so its own calls do.
function* heardOf(ctx: EngineContext, agent: agents.Agent): Tx<void> {
  const { lease_ms } = ctx.settings;
  if (ctx.now - agent.seenAt < lease_ms / RENEWALS_PER_LEASE) return;
  yield* agents.touchAgent(agent.name, ctx.now);
  yield* renewLeases(agent.name, ctx.now + lease_ms);
}

/** The same agent in a query, which registers nobody. Errors: `not_found`. */
export function* askingAgent(ctx: EngineContext, handle?: string): Tx<agents.Agent> {
  return yield* requireAgent(handle ?? ctx.caller.agent);
}

/** Registers an agent, or changes what is known of it: what is not named stays. `created` is false for a known one. */
export function* registerAgent(
  ctx: EngineContext,
  registration: Registration,
): Tx<{ agent: agents.Agent; created: boolean }> {
  requireHandle(ctx, registration.name);
  const known = yield* agents.findAgent(registration.name);
  const agent = yield* register(ctx, registration, known);
  return { agent, created: known?.status !== "active" };
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
    ? `"${name}" is the handle of a server's own executor; nobody else acts under it.`
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
} as const;

function* register(ctx: EngineContext, registration: Registration, known: agents.Agent | undefined): Tx<agents.Agent> {
  const { specialization, persona, models, cost } = registration;
  const said = Object.entries({ specialization, persona, models, cost }).filter(([, value]) => value !== undefined);
  const before = known ?? { ...NEWCOMER, registeredAt: ctx.now };
  const agent: agents.Agent = {
    ...before,
    name: registration.name,
    status: "active",
    capabilities: unique(registration.capabilities ?? before.capabilities),
    roles: unique(registration.roles ?? before.roles),
    maxConcurrentTasks: registration.max_concurrent_tasks ?? before.maxConcurrentTasks,
    profile: { ...before.profile, ...Object.fromEntries(said) },
    session: ctx.caller.session?.id ?? null,
    seenAt: ctx.now,
  };
  yield* agents.saveAgent(agent);
  yield* appendEvents(ctx, [
    {
      type: known?.status === "active" ? "agent.updated" : "agent.registered",
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
export function* requireAgent(name: string): Tx<agents.Agent> {
  const agent = yield* agents.findAgent(name);
  if (agent?.status === "active") return agent;
  const names = yield* agents.agentNames(200);
  throw new BatonError("not_found", `There is no agent "${name}"${hint(name, names)}.`, {
    details: { agent: name },
    next: [{ tool: "query_operation", arguments: { name: "list_agents", arguments: {} } }],
  });
}

export interface OfferedNow {
  readonly roles?: readonly string[] | undefined;
  readonly requires?: readonly string[] | undefined;
}

/** What an agent offers in a claim: what it registered, and what it says now. */
export function offerOf(agent: agents.Agent, more: OfferedNow): Offer {
  return {
    agent: agent.name,
    roles: new Set([...agent.roles, ...(more.roles ?? [])]),
    capabilities: new Set([...agent.capabilities, ...(more.requires ?? [])]),
    runs: undefined,
  };
}

/** Changes what is known of an agent. Errors: `not_found`. */
export function* updateAgent(
  ctx: EngineContext,
  change: Omit<Registration, "name"> & { readonly agent: string },
): Tx<agents.Agent> {
  const { agent: name, ...said } = change;
  const known = yield* requireAgent(name);
  return yield* register(ctx, { name, ...said }, known);
}
