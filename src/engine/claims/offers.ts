import { grouped } from "../../base/lists/groups.js";
import { openBreakers } from "../../store/breakers/breakers.js";
import type { Demand } from "../../store/scheduling/lanes.js";
import { readyAtOf } from "../../store/scheduling/obstacles.js";
import { workersWithRoom } from "../../store/tasks/workers.js";
import type { Tx } from "../../store/tx.js";
import { liveOffers } from "../agents/agents.js";
import { withTasksWorkedOn } from "../agents/parties.js";
import { agentOf, agentTarget, brokenUntil } from "../breakers/breakers.js";
import type { EngineContext } from "../context.js";
import { meets, type Offer } from "../scheduling/demands.js";
import { hasLiveTaker } from "./live-takers.js";

/** A demand and the first ready task of it. */
interface Lane {
  readonly demand: Demand;
  readonly head: string | null;
}

/**
 * Completes an offer for these lanes: the tasks that its agent worked on, as far as they are named; those that it has failed and leaves to
 * others for a while; and what its circuit breaker leaves to them. Reads nothing for lanes that name no task and an agent without failures.
 */
export function* offerFor(ctx: EngineContext, given: Offer, lanes: readonly Lane[]): Tx<Offer> {
  const demands = lanes.map(({ demand }) => demand);
  const offer = yield* withTasksWorkedOn(given, demands);
  // A reservation for the agent says that it is to try again, and no other may take what is reserved.
  const shared = lanes.filter(({ demand }) => demand.reservedFor === null && meets(offer, demand));
  const failed = shared.filter(({ demand }) => demand.failedBy.includes(offer.agent));
  const broken = offer.hasBreaker === true ? yield* brokenUntil(ctx, offer.agent) : undefined;
  const recent = yield* recentlyReady(ctx, failed);
  const wanted = broken === undefined ? [...recent.keys()] : shared.map(({ demand }) => demand);
  if (wanted.length === 0) return offer;
  const others = yield* withOtherTaker(ctx, offer.agent, wanted);
  const excluded = new Map([...recent].flatMap(([{ id }, at]) => (others.has(id) ? [[id, at] as const] : [])));
  return { ...offer, excluded, ...(broken !== undefined && { broken: { demands: others, ...broken } }) };
}

/** Returns the demands of these lanes whose first task the agent that has failed it leaves to others still, and until when. */
function* recentlyReady(ctx: EngineContext, failed: readonly Lane[]): Tx<Map<Demand, number>> {
  const readyAt = yield* readyAtOf(failed.flatMap(({ head }) => head ?? []));
  const until = failed.map(
    ({ demand, head }) => [demand, (readyAt.get(head ?? "") ?? ctx.now) + ctx.settings.exclusion_ms] as const,
  );
  return new Map(until.filter(([, at]) => at > ctx.now));
}

/**
 * Returns the ids of those of these demands that another agent would take: it is live, its breaker is closed, it has not failed the task
 * itself, it has room, and it worked in the project lately. One that plans, watches, is silent or is busy would leave it lying.
 */
function* withOtherTaker(ctx: EngineContext, agent: string, demands: readonly Demand[]): Tx<Set<string>> {
  const sound = yield* soundOffers(ctx, agent);
  const taken = new Set<string>();
  for (const [project, own] of grouped(demands, (demand) => demand.project)) {
    const working = new Set(
      yield* workersWithRoom(
        project,
        sound.map((other) => other.agent),
      ),
    );
    const others = sound.filter((other) => working.has(other.agent));
    for (const demand of own) {
      const able = others.filter((other) => !demand.failedBy.includes(other.agent));
      if (yield* hasLiveTaker(demand, able)) taken.add(demand.id);
    }
  }
  return taken;
}

const OPEN_MAX = 1_000;

/** The agents whose circuit breaker is not closed. */
export function* brokenAgents(): Tx<Set<string>> {
  return new Set(
    (yield* openBreakers({ prefix: agentTarget(""), limit: OPEN_MAX })).map(({ target }) => agentOf(target)),
  );
}

/** The offers of the other live agents with closed breakers: of the broken ones, the last that could do a task keeps it. */
function* soundOffers(ctx: EngineContext, agent: string): Tx<Offer[]> {
  const broken = yield* brokenAgents();
  return (yield* liveOffers(ctx)).filter((other) => other.agent !== agent && !broken.has(other.agent));
}
