import { createHash } from "node:crypto";
import { iso } from "../../base/time.js";
import type { Demand } from "../../store/scheduling/lanes.js";

/** Kinds of step that a server's executor runs. */
export type ExecutedKind = Exclude<Demand["executor"], "agent">;

/** Roles and capabilities that a claimer offers. */
export interface Offer {
  readonly agent: string;
  readonly roles: ReadonlySet<string>;
  readonly capabilities: ReadonlySet<string>;
  /** Which command lines it may run and which tools call; undefined when it is no executor. */
  readonly carriesOut: ((kind: ExecutedKind, what: string) => boolean) | undefined;
  /** The agent itself and its connection, and the tasks it worked on as far as demands name them, in the form of `Demand.notBy`. */
  readonly parties: ReadonlySet<string>;
  /** Whether the agent's circuit breaker is to be looked at. */
  readonly hasBreaker?: boolean | undefined;
  /** The demands that its open breaker leaves to others, by id. */
  readonly broken?: (Broken & { readonly demands: ReadonlySet<string> }) | undefined;
  /** The demands whose tasks the agent has failed and that others take first, by id: until when. */
  readonly excluded?: ReadonlyMap<string, number> | undefined;
}

/** A circuit breaker that keeps work away. */
export interface Broken {
  /** When a claim looks again: the end of a trial that is under way is not known. */
  readonly until: number;
  /** The key of the task that is its trial and still runs. */
  readonly trial?: string | undefined;
}

/** Returns what an open breaker waits for. */
export function breakerWaits({ until, trial }: Broken): string {
  return trial === undefined
    ? `its circuit breaker is open until ${iso(until)}, then one task is its trial`
    : `its circuit breaker is half open: task ${trial} is its trial and still runs, and its end decides`;
}

/** A demand with its id: the hash of its content, since demands never change. */
export function demandOf(content: Omit<Demand, "id">): Demand {
  const requires = [...new Set(content.requires)].sort();
  const text = JSON.stringify([
    content.project,
    content.executor,
    content.role,
    requires,
    content.reservedFor,
    content.command,
    content.scoped,
    // Without it the id is that of a demand from before.
    ...(content.notBy.length === 0 ? [] : [content.notBy]),
    ...(content.resources === null ? [] : [content.resources]),
    ...(content.failedBy.length === 0 ? [] : [{ failed_by: content.failedBy }]),
    ...(content.alone ? [{ alone: true }] : []),
  ]);
  return { ...content, requires, id: createHash("sha256").update(text).digest("base64url").slice(0, 22) };
}

/** The same work, kept for one agent, or for anyone again. */
export function reservedDemand(demand: Demand, reservedFor: string | null): Demand {
  const { id: _, ...content } = demand;
  return demandOf({ ...content, reservedFor });
}

/** A demand to be saved, with that of the same work for anyone: a claim, or a reservation that lapses, gives the task that one. */
export function withUnreserved(demand: Demand): Demand[] {
  return demand.reservedFor === null ? [demand] : [demand, reservedDemand(demand, null)];
}

/** The id of the same work for anyone. Of what is for anyone already it is its own: no need to hash in every claim (6 µs). */
export function unreservedId(demand: Demand): string {
  return demand.reservedFor === null ? demand.id : reservedDemand(demand, null).id;
}

/** Agents that a demand remembers to have failed its task, the latest. */
const FAILED_MAX = 5;

/** The same work after an agent has failed it. */
export function demandAfterFailure(demand: Demand, agent: string): Demand {
  const { id: _, ...content } = demand;
  const failedBy = [...content.failedBy.filter((one) => one !== agent), agent].slice(-FAILED_MAX);
  return demandOf({ ...content, failedBy });
}

export function meets(offer: Offer, demand: Demand): boolean {
  return unmet(offer, demand).length === 0;
}

/** Whether a demand is not for the agent of an offer, or for its connection (not_by). */
export function isExcluded({ parties }: Pick<Offer, "parties">, { notBy }: Pick<Demand, "notBy">): boolean {
  return notBy.some((party) => parties.has(party));
}

/** Every way in which an offer falls short of a demand, as the kinds of reason a claim can name. */
export function unmet(offer: Offer, demand: Demand): { kind: string; detail: string }[] {
  const gaps = executorGaps(offer, demand);
  if (demand.reservedFor !== null && demand.reservedFor !== offer.agent) {
    gaps.push({ kind: "reserved", detail: `it is reserved for ${demand.reservedFor}` });
  }
  if (demand.role !== null && !offer.roles.has(demand.role)) {
    gaps.push({ kind: "role", detail: `it asks for the role ${demand.role}, which ${offer.agent} does not offer` });
  }
  if (isExcluded(offer, demand)) {
    gaps.push({ kind: "not_by", detail: `${offer.agent}, or its connection, worked on what it checks` });
  }
  if (offer.broken?.demands.has(demand.id) === true) {
    const detail = `${offer.agent} has failed too often, and others can do it: ${breakerWaits(offer.broken)}`;
    gaps.push({ kind: "breaker_open", detail });
  }
  const excluded = offer.excluded?.get(demand.id);
  if (excluded !== undefined) {
    const detail = `${offer.agent} has failed it, and others can do it: it is theirs first until ${iso(excluded)}`;
    gaps.push({ kind: "excluded", detail });
  }
  const missing = demand.requires.filter((capability) => !offer.capabilities.has(capability));
  if (missing.length > 0) {
    gaps.push({ kind: "capability", detail: `${offer.agent} lacks: ${missing.join(", ")}` });
  }
  return gaps;
}

const NOT_CLAIMED: Readonly<Record<ExecutedKind, string>> = {
  command: "a command is run by a server started with --allow-commands, not claimed",
  tool: "a tool is called by a server that has its MCP server configured, not claimed",
};
const NOT_TAKEN: Readonly<Record<ExecutedKind, { kind: string; detail: string }>> = {
  command: { kind: "commands_not_allowed", detail: "no allow pattern of this server matches the command line" },
  tool: {
    kind: "server_not_configured",
    detail: "this server has that MCP server, or that tool of it, not configured",
  },
};

function executorGaps({ carriesOut }: Offer, { executor, command }: Demand): { kind: string; detail: string }[] {
  if (executor === "agent") {
    return carriesOut === undefined
      ? []
      : [{ kind: "executor", detail: "the server's executor takes commands and tool calls only" }];
  }
  if (carriesOut === undefined) return [{ kind: "executor", detail: NOT_CLAIMED[executor] }];
  return command !== null && carriesOut(executor, command) ? [] : [NOT_TAKEN[executor]];
}
