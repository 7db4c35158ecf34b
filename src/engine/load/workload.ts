import type { Agent } from "../../store/agents/agents.js";
import { doneWork, heldWork, keptWork, type HeldWork, type KeptWork } from "../../store/scheduling/workloads.js";
import type { Tx } from "../../store/tx.js";
import { liveAgents } from "../agents/agents.js";
import { type Unserved, unservedDemands } from "../claims/live-takers.js";
import type { EngineContext } from "../context.js";
import { type Balance, balanceOf, type AgentPlace, type Portion } from "./balance.js";
import { type ScaleHint, scaleHints } from "./scale-hints.js";

/** Work that is looked at: held and kept tasks each. */
const WORK_MAX = 2_000;
/** The time that history looks back. */
export const HISTORY_MS = 3_600_000;

/** The work of an agent that is there, or that has work. */
export interface AgentLoad {
  readonly agent: string;
  readonly present: boolean;
  readonly running: number;
  /** Tasks that are kept for it. */
  readonly reserved: number;
  /** Tasks that it does at once. */
  readonly capacity: number;
  /** Running over capacity. */
  readonly utilisation: number;
  /** Expected time of what it holds and is kept for it, in milliseconds. */
  readonly expectedMs: number;
  /** Attempts that ended within `HISTORY_MS`, and the share of its places that they took. */
  readonly ended: number;
  readonly busy: number;
}

export interface Workload extends Balance {
  readonly agents: readonly AgentLoad[];
  readonly utilisation: number;
  /** The spread of the agents' utilisations around their mean. */
  readonly variance: number;
  readonly unserved: readonly Unserved[];
  readonly hints: readonly ScaleHint[];
}

/** The work of all agents, as it lies now. A query. */
export interface Assigned {
  readonly live: readonly Agent[];
  readonly held: readonly HeldWork[];
  readonly kept: readonly KeptWork[];
}

export function* assignedWork(ctx: EngineContext): Tx<Assigned> {
  return { live: yield* liveAgents(ctx), held: yield* heldWork(WORK_MAX), kept: yield* keptWork(WORK_MAX) };
}

/** The agents as places for work: those that are there, and absent ones that have work, which have no room. */
export function placesOf(now: number, { live, held, kept }: Assigned): AgentPlace[] {
  const names = new Set([...live.map(({ name }) => name), ...held.map(({ agent }) => agent), ...kept.map(keptFor)]);
  const capacities = new Map(live.map(({ name, maxConcurrentTasks }) => [name, maxConcurrentTasks]));
  const fixed = new Map<string, number>();
  for (const work of held) fixed.set(work.agent, (fixed.get(work.agent) ?? 0) + remaining(now, work));
  return [...names]
    .toSorted()
    .map((agent) => ({ agent, capacity: capacities.get(agent) ?? 0, fixed: fixed.get(agent) ?? 0 }));
}

/** Work that takes longer than was expected is expected to take a tenth more. */
function remaining(now: number, { estimateMs, startedAt }: HeldWork): number {
  return Math.max(Math.round(estimateMs / 10), estimateMs - (now - (startedAt ?? now)));
}

export function keptFor({ demand }: KeptWork): string {
  return demand.reservedFor ?? "";
}

/** How the agents are loaded, what no agent offers to take, and how many more agents of which kind would shorten what is ready. A query. */
export function* workloadOf(ctx: EngineContext): Tx<Workload> {
  const assigned = yield* assignedWork(ctx);
  const places = placesOf(ctx.now, assigned);
  const portions = assigned.kept.map((work): Portion => {
    return { id: work.task, at: keptFor(work), ms: work.estimateMs, able: new Set() };
  });
  const done = new Map(
    (yield* doneWork(
      places.map(({ agent }) => agent),
      ctx.now - HISTORY_MS,
    )).map((one) => [one.agent, one]),
  );
  const agents = places.map(({ agent, capacity, fixed }): AgentLoad => {
    const running = assigned.held.filter((work) => work.agent === agent).length;
    const own = portions.filter(({ at }) => at === agent);
    const { ended, busyMs } = done.get(agent) ?? { ended: 0, busyMs: 0 };
    return {
      agent,
      present: capacity > 0,
      running,
      reserved: own.length,
      capacity,
      utilisation: capacity === 0 ? 0 : running / capacity,
      expectedMs: own.reduce((sum, { ms }) => sum + ms, fixed),
      ended,
      // A clock that went back has attempts end before they began.
      busy: capacity === 0 ? 0 : Math.min(1, Math.max(0, busyMs / (HISTORY_MS * capacity))),
    };
  });
  const present = agents.filter((one) => one.present);
  return {
    agents,
    utilisation: mean(present.map(({ utilisation }) => utilisation)),
    variance: variance(present.map(({ utilisation }) => utilisation)),
    ...balanceOf(places, portions),
    unserved: yield* unservedDemands(ctx),
    hints: ctx.settings.predictive_scaling ? yield* scaleHints(assigned.live) : [],
  };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The variance of a population. */
function variance(values: readonly number[]): number {
  const middle = mean(values);
  return mean(values.map((value) => (value - middle) ** 2));
}
