/** An agent as a place for work. */
export interface AgentPlace {
  readonly agent: string;
  /** Tasks it does at once; 0 where it is not there: what it has then never ends. */
  readonly capacity: number;
  /** Expected time of all that it holds and that cannot move, in milliseconds. */
  readonly fixed: number;
}

/** Work that is kept for an agent and may be kept for another one. */
export interface Portion {
  readonly id: string;
  readonly at: string;
  /** Expected time, in milliseconds. */
  readonly ms: number;
  /** Agents that could do it. */
  readonly able: ReadonlySet<string>;
}

export interface Move {
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

export interface Balance {
  /** When the last agent would be done, from now, in milliseconds: Infinity where one is not there. */
  readonly makespan: number;
  /** Shares of the time until then that the agents' places are busy, 0 to 1; 1 where nothing is to do. */
  readonly efficiency: number;
}

/** Returns how evenly work lies: its time over that of all places until the last agent is done. */
export function balanceOf(places: readonly AgentPlace[], portions: readonly Portion[]): Balance {
  const ends = endsOf(places, portions);
  const makespan = Math.max(0, ...ends.values());
  const present = places.filter(({ capacity }) => capacity > 0);
  const all = present.reduce((sum, { capacity }) => sum + capacity, 0);
  const work = present.reduce((sum, { agent, capacity }) => sum + (ends.get(agent) ?? 0) * capacity, 0);
  return { makespan, efficiency: makespan === 0 ? 1 : makespan === Infinity ? 0 : work / (all * makespan) };
}

function endsOf(places: readonly AgentPlace[], portions: readonly Portion[]): Map<string, number> {
  const work = new Map(places.map(({ agent, fixed }) => [agent, fixed]));
  for (const { at, ms } of portions) work.set(at, (work.get(at) ?? 0) + ms);
  return new Map(places.map(({ agent, capacity }) => [agent, endOf(work.get(agent) ?? 0, capacity)]));
}

function endOf(work: number, capacity: number): number {
  return work === 0 ? 0 : work / capacity;
}

/**
 * Moves portions one by one from the agent that would be done last to where the later of both is done earliest, as long as that gains;
 * then from the next. Local search on the sorted ends, as for scheduling on unrelated machines: no single move gains afterwards.
 */
export function rebalance(places: readonly AgentPlace[], portions: readonly Portion[], movesMax: number): Move[] {
  const by = new Map(places.map((place) => [place.agent, place]));
  const work = new Map(places.map(({ agent, fixed }) => [agent, fixed]));
  for (const { at, ms } of portions) work.set(at, (work.get(at) ?? 0) + ms);
  const placed = new Map(portions.map(({ id, at }) => [id, at]));
  const end = (agent: string, more = 0): number => endOf((work.get(agent) ?? 0) + more, by.get(agent)?.capacity ?? 0);
  const settled = new Set<string>();
  for (let moves = 0; moves < movesMax && settled.size < places.length;) {
    const from = latest(places, (agent) => (settled.has(agent) ? -1 : end(agent)));
    const here = portions.filter(({ id }) => placed.get(id) === from);
    const best = bestMove(here, { from, end, by });
    if (best === undefined) {
      settled.add(from);
      continue;
    }
    placed.set(best.portion.id, best.to);
    work.set(from, (work.get(from) ?? 0) - best.portion.ms);
    work.set(best.to, (work.get(best.to) ?? 0) + best.portion.ms);
    // Room has come up: what did not gain before may gain now.
    settled.clear();
    moves++;
  }
  return portions.flatMap(({ id, at }) => {
    const to = placed.get(id) ?? at;
    return to === at ? [] : [{ id, from: at, to }];
  });
}

interface Search {
  readonly from: string;
  readonly by: ReadonlyMap<string, AgentPlace>;
  /** When an agent would be done with so much more work. */
  readonly end: (agent: string, more?: number) => number;
}

/** The move after which the later of both agents is done earliest, of those that gain. */
function bestMove(here: readonly Portion[], { from, by, end }: Search): { portion: Portion; to: string } | undefined {
  let best: { portion: Portion; to: string; later: number } | undefined;
  const limit = end(from);
  for (const portion of here)
    for (const to of portion.able) {
      if (to === from || !by.has(to)) continue;
      const later = Math.max(end(from, -portion.ms), end(to, portion.ms));
      // Work that never ends here and does there gains, however much else stays.
      const gains = limit === Infinity ? end(to, portion.ms) < Infinity : later < limit;
      const isBetter = best === undefined || later < best.later || (later === best.later && end(to) < end(best.to));
      if (gains && isBetter) best = { portion, to, later };
    }
  return best;
}

function latest(places: readonly AgentPlace[], end: (agent: string) => number): string {
  return places.reduce((last, { agent }) => (end(agent) > end(last) ? agent : last), places[0]?.agent ?? "");
}
