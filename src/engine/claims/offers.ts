import { openBreakers } from "../../store/breakers/breakers.js";
import type { Demand } from "../../store/scheduling/lanes.js";
import { workersAmong } from "../../store/tasks/workers.js";
import type { Tx } from "../../store/tx.js";
import { liveOffers } from "../agents/agents.js";
import { withTasksWorkedOn } from "../agents/parties.js";
import { agentTarget, brokenUntil } from "../breakers/breakers.js";
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
  const others = yield* soundOffers(ctx, offer.agent);
  const broken = new Set<string>();
  for (const demand of wanted) if (yield* hasLiveTaker(demand, others)) broken.add(demand.id);
  return { ...offer, broken: { demands: broken, until } };
}

const OPEN_MAX = 1_000;

/**
 * The offers of the other live agents that take work, with closed breakers: of the broken ones, the last that could do a task keeps it.
 * An agent that only plans or watches is none of them: it has no role, no capability, and never held a task.
 */
function* soundOffers(ctx: EngineContext, agent: string): Tx<Offer[]> {
  const open = new Set((yield* openBreakers(OPEN_MAX)).map(({ target }) => target));
  const sound = (yield* liveOffers(ctx)).filter(
    (other) => other.agent !== agent && !open.has(agentTarget(other.agent)),
  );
  const workers = new Set(yield* workersAmong(sound.map((other) => other.agent)));
  return sound.filter((other) => other.roles.size + other.capabilities.size > 0 || workers.has(other.agent));
}
