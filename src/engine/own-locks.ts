import { parkedOnOwn, type LanePlace, type ParkedScope } from "../store/lanes.js";
import type { Tx } from "../store/tx.js";
import type { EngineContext } from "./context.js";
import { meets, type Offer } from "./demands.js";
import { obstaclesOfScope } from "./task-locks.js";

/**
 * The first set of files that another's claim has parked because the agent itself holds some of it, and that nothing else keeps it
 * from. Only such a one is brought back: two agents that each hold a part would else park and bring back by turns for ever.
 */
export function* takeableOnOwn(ctx: EngineContext, offer: Offer, place: LanePlace): Tx<ParkedScope | undefined> {
  const parked = yield* parkedOnOwn(offer.agent, place);
  for (const scope of parked.filter(({ demand }) => meets(offer, demand))) {
    const { project } = scope.demand;
    const turn = { position: scope.bucket, askedAt: scope.readyAt };
    const by = { agent: offer.agent, task: null, ownsUntasked: true };
    if ((yield* obstaclesOfScope(ctx, { project, scope: scope.scope, by, turn })).length === 0) return scope;
  }
  return undefined;
}
