import {
  type Demand,
  demandsOnOwn,
  type LanePlace,
  type ParkedScope,
  scopesOnOwn,
} from "../../store/scheduling/lanes.js";
import { findScopes } from "../../store/scheduling/file-sets.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { meets, type Offer } from "../scheduling/demands.js";
import { locksNear, LockTable } from "../locks/conflicts.js";
import { modedPatterns } from "../paths/file-sets.js";

/** A set of files that its agent can take, and what it asks for. */
export interface Takeable {
  readonly demand: Demand;
  readonly parked: ParkedScope;
}

/**
 * The first set of files that another's claim has parked because the agent itself holds some of it, and that nothing else keeps it
 * from. Only such a one is brought back: two agents that each hold a part would else park and bring back by turns for ever.
 */
export function* takeableOnOwn(ctx: EngineContext, offer: Offer, where: LanePlace): Tx<Takeable | undefined> {
  const fitting = (yield* demandsOnOwn(offer.agent, where)).filter((demand) => meets(offer, demand));
  const [one] = fitting;
  if (one === undefined) return undefined;
  const demands = new Map(fitting.map((demand) => [demand.id, demand]));
  const parked = yield* scopesOnOwn(offer.agent, { where, demands: [...demands.keys()] });
  const kept = yield* findScopes([...new Set(parked.map(({ scope }) => scope))]);
  const wanted = parked.map((lane) => {
    const { paths, caseInsensitive } = kept.get(lane.scope) ?? NOTHING;
    return { lane, patterns: modedPatterns(paths, caseInsensitive) };
  });
  // One look at all the locks around, however many sets there are. They are of one project: the demand says so.
  const near = yield* locksNear(
    ctx.now,
    one.project,
    wanted.flatMap(({ patterns }) => patterns.map(({ pattern }) => pattern)),
  );
  const table = new LockTable(ctx.now, near);
  const by = { agent: offer.agent, task: null, ownsUntasked: true };
  for (const { lane, patterns } of wanted) {
    const turn = { position: lane.bucket, askedAt: lane.readyAt, id: "" };
    const demand = demands.get(lane.demand);
    if (demand && table.obstacles({ by, patterns, turn }).length === 0) return { demand, parked: lane };
  }
  return undefined;
}

const NOTHING = { paths: { write: [], read: [] }, caseInsensitive: false } as const;
