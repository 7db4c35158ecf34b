import { NO_FILES, findScopes } from "../../store/scheduling/file-sets.js";
import {
  type Demand,
  demandsOnOwn,
  type ClaimTarget,
  type ParkedScope,
  scopesOnOwn,
} from "../../store/scheduling/lanes.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { meets, type Offer } from "../scheduling/demands.js";
import { nearbyLocks, LockTable, unlessTooMuch } from "../locks/conflicts.js";
import { withTasksWorkedOn } from "../agents/parties.js";
import { modedPatterns } from "../paths/file-sets.js";

/** A file set that its agent can take, and the demand of its tasks. */
export interface ParkedOnOwnLocks {
  readonly demand: Demand;
  readonly parked: ParkedScope;
}

/**
 * Finds the first file set that another agent's claim has parked because of this agent's own locks, and that no other lock blocks.
 * Only such a set is unparked: two agents that each hold a part would else park and unpark it alternately for ever.
 */
export function* findParkedOnOwnLocks(
  ctx: EngineContext,
  offer: Offer,
  where: ClaimTarget,
): Tx<ParkedOnOwnLocks | undefined> {
  const known = yield* demandsOnOwn(offer.agent, where);
  const whole = yield* withTasksWorkedOn(offer, known);
  const fitting = known.filter((demand) => meets(whole, demand));
  const [one] = fitting;
  if (one === undefined) return undefined;
  const demands = new Map(fitting.map((demand) => [demand.id, demand]));
  const parked = yield* scopesOnOwn(offer.agent, { where, demands: [...demands.keys()] });
  const kept = yield* findScopes([...new Set(parked.map(({ scope }) => scope))]);
  const wanted = parked.map((lane) => {
    const { paths, caseInsensitive } = kept.get(lane.scope) ?? NO_FILE_SET;
    return { lane, patterns: modedPatterns(paths, caseInsensitive) };
  });
  // All nearby locks are read at once, however many sets there are: the demand says that they belong to one project.
  const near = yield* nearbyLocks(
    ctx.now,
    { id: one.project },
    wanted.flatMap(({ patterns }) => patterns.map(({ pattern }) => pattern)),
  );
  if (!near.whole) return undefined;
  const table = new LockTable(ctx.now, near.locks);
  const by = { agent: offer.agent, task: null, ownsUntasked: true };
  for (const { lane, patterns } of wanted) {
    const queuePosition = { position: lane.bucket, askedAt: lane.readyAt, id: "" };
    const demand = demands.get(lane.demand);
    const obstacles = unlessTooMuch(() => table.obstacles({ by, patterns, queuePosition }));
    if (demand && obstacles?.length === 0) return { demand, parked: lane };
  }
  return undefined;
}

const NO_FILE_SET = { paths: NO_FILES, caseInsensitive: false } as const;
