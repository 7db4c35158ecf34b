import { BatonError } from "../../base/errors.js";
import type { Demand } from "../../store/scheduling/lanes.js";
import type { KeptWork } from "../../store/scheduling/workloads.js";
import type { Tx } from "../../store/tx.js";
import { connectionOf, offerOf, requireAgent } from "../agents/agents.js";
import { withTasksWorkedOn } from "../agents/parties.js";
import { brokenAgents } from "../claims/offers.js";
import type { EngineContext } from "../context.js";
import { lockTask } from "../lifecycle/locked-task.js";
import { meets, type Offer } from "../scheduling/demands.js";
import { reserveTask } from "../tasks/assignments.js";
import { type Balance, balanceOf, type Move, type Portion, rebalance } from "./balance.js";
import { assignedWork, keptFor, placesOf } from "./workload.js";
import { requireRun } from "../lookup.js";

/** Moves of one call. */
const MOVES_MAX = 100;

export interface LoadQuery {
  /** Moves its tasks alone. */
  readonly run?: string | undefined;
  /** Moves what is kept for this agent alone. */
  readonly agent?: string | undefined;
}

export interface PlannedMove extends Move {
  readonly key: string;
}

export interface LoadPlan {
  readonly moves: readonly PlannedMove[];
  readonly before: Balance;
  readonly after: Balance;
}

/**
 * Which reserved tasks to keep for which other agents, so that the last agent is done earlier. Never moves what an agent holds, nor
 * what its last holder offers to an agent. A query. Errors: `not_found`.
 */
export function* planLoad(ctx: EngineContext, { run, agent }: LoadQuery): Tx<LoadPlan> {
  if (agent !== undefined) yield* requireAgent(agent);
  const only = run === undefined ? undefined : (yield* requireRun(run)).id;
  const assigned = yield* assignedWork(ctx);
  const places = placesOf(ctx.now, assigned);
  const isMovable = (work: KeptWork): boolean =>
    !work.offered && (only === undefined || work.run === only) && (agent === undefined || keptFor(work) === agent);
  const demands = assigned.kept.flatMap((work) => (isMovable(work) ? [work.demand] : []));
  const offers: Offer[] = [];
  const broken = yield* brokenAgents();
  const sound = assigned.live.filter(({ name }) => !broken.has(name));
  for (const one of sound) offers.push(yield* withTasksWorkedOn(offerOf(one, {}, connectionOf(one)), demands));
  const portions = assigned.kept.map((work): Portion => {
    const able = isMovable(work) ? ableTo(work.demand, offers) : new Set<string>();
    return { id: work.task, at: keptFor(work), ms: work.estimateMs, able };
  });
  const moves = rebalance(places, portions, MOVES_MAX);
  const keys = new Map(assigned.kept.map(({ task, key }) => [task, key]));
  return {
    moves: moves.map((move) => ({ ...move, key: keys.get(move.id) ?? move.id })),
    before: balanceOf(places, portions),
    after: balanceOf(places, moved(portions, moves)),
  };
}

function moved(portions: readonly Portion[], moves: readonly Move[]): Portion[] {
  const to = new Map(moves.map((move) => [move.id, move.to]));
  return portions.map((portion) => ({ ...portion, at: to.get(portion.id) ?? portion.at }));
}

/** The agents that a task may be kept for: none that has failed it. */
function ableTo(demand: Demand, offers: readonly Offer[]): Set<string> {
  const open = { ...demand, reservedFor: null };
  const able = offers.filter((offer) => meets(offer, open) && !demand.failedBy.includes(offer.agent));
  return new Set(able.map((offer) => offer.agent));
}

/** Carries out a move, unless the task has been claimed, kept for another agent or deleted since, or the agent has been taken out. */
export function* moveReservation(ctx: EngineContext, { id, from, to }: Move): Tx<boolean> {
  try {
    const locked = yield* lockTask(id);
    const { status, reservedFor } = locked.task;
    if (reservedFor !== from || (status !== "ready" && status !== "pending")) return false;
    yield* reserveTask(ctx, locked, (yield* requireAgent(to)).name);
    return true;
  } catch (error) {
    if (error instanceof BatonError && error.code === "not_found") return false;
    throw error;
  }
}
