import type { Tx } from "../../store/tx.js";
import { connectionOf, offerOf, requireAgent } from "../agents/agents.js";
import { withTasksWorkedOn } from "../agents/parties.js";
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
  const offers = assigned.live.map((one) => offerOf(one, {}, connectionOf(one)));
  const portions: Portion[] = [];
  for (const work of assigned.kept) {
    const at = keptFor(work);
    const movable = !work.offered && (only === undefined || work.run === only) && (agent === undefined || at === agent);
    const able = movable ? yield* ableTo({ ...work.demand, reservedFor: null }, offers) : new Set<string>();
    portions.push({ id: work.task, at, ms: work.estimateMs, able });
  }
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

function* ableTo(demand: Parameters<typeof meets>[1], offers: readonly Offer[]): Tx<Set<string>> {
  const able = new Set<string>();
  for (const offer of offers) if (meets(yield* withTasksWorkedOn(offer, [demand]), demand)) able.add(offer.agent);
  return able;
}

/** Carries out a move, unless the task has been claimed or kept for another agent since. */
export function* moveReservation(ctx: EngineContext, { id, from, to }: Move): Tx<boolean> {
  const locked = yield* lockTask(id);
  const { status, reservedFor } = locked.task;
  if (reservedFor !== from || (status !== "ready" && status !== "pending")) return false;
  yield* reserveTask(ctx, locked, to);
  return true;
}
