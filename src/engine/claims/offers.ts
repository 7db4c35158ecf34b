import { grouped } from "../../base/lists/groups.js";
import { openBreakers } from "../../store/breakers/breakers.js";
import type { Demand } from "../../store/scheduling/lanes.js";
import { workersWithRoom } from "../../store/tasks/workers.js";
import type { Tx } from "../../store/tx.js";
import { liveOffers } from "../agents/agents.js";
import { withTasksWorkedOn } from "../agents/parties.js";
import { agentOf, brokenUntil } from "../breakers/breakers.js";
import type { EngineContext } from "../context.js";
import { meets, type Offer } from "../scheduling/demands.js";
import { hasLiveTaker } from "./live-takers.js";

/**
 * Completes an offer for these demands: the tasks that its agent worked on, as far as they are named, and what the agent's circuit
 * breaker leaves to others. Reads nothing for demands that name no task and an agent without failures.
 */
export function* offerFor(ctx: EngineContext, given: Offer, demands: readonly Demand[]): Tx<Offer> {
  const offer = yield* withTasksWorkedOn(given, demands);
  if (offer.hasBreaker !== true) return offer;
  const until = yield* brokenUntil(ctx, offer.agent);
  const wanted = until === undefined ? [] : demands.filter((demand) => meets(offer, demand));
  if (until === undefined || wanted.length === 0) return offer;
  const sound = yield* soundOffers(ctx, offer.agent);
  const broken = new Set<string>();
  for (const [project, own] of grouped(wanted, (demand) => demand.project)) {
    const working = new Set(
      yield* workersWithRoom(
        project,
        sound.map((other) => other.agent),
      ),
    );
    const others = sound.filter((other) => working.has(other.agent));
    for (const demand of own) if (yield* hasLiveTaker(demand, others)) broken.add(demand.id);
  }
  return { ...offer, broken: { demands: broken, until } };
}

const OPEN_MAX = 1_000;

/** The agents whose circuit breaker is not closed. */
export function* brokenAgents(): Tx<Set<string>> {
  return new Set((yield* openBreakers(OPEN_MAX)).map(({ target }) => agentOf(target)));
}

/**
 * The offers of the other live agents with closed breakers: of the broken ones, the last that could do a task keeps it. Of these only those
 * take its work that have room and worked in its project lately: one that plans, watches, is silent or is busy elsewhere would leave it lying.
 */
function* soundOffers(ctx: EngineContext, agent: string): Tx<Offer[]> {
  const broken = yield* brokenAgents();
  return (yield* liveOffers(ctx)).filter((other) => other.agent !== agent && !broken.has(other.agent));
}
