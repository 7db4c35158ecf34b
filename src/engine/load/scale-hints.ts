import type { Agent } from "../../store/agents/agents.js";
import { type WantedWork, wantedWork } from "../../store/scheduling/workloads.js";
import type { Tx } from "../../store/tx.js";
import { connectionOf, offerOf } from "../agents/agents.js";
import { withTasksWorkedOn } from "../agents/parties.js";
import { meets, type Offer } from "../scheduling/demands.js";

const DEMANDS_MAX = 100;
/** A hint is given from such a gain on: a tenth of the time. */
const GAIN_MIN = 0.1;

/** How many more agents would shorten ready work by how much. */
export interface ScaleHint {
  readonly project: string;
  /** Roles and capabilities that they are to offer; empty where any agent will do. */
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
  readonly ready: number;
  /** Places of the agents that are there and could take it. */
  readonly capacity: number;
  readonly more: number;
  /** Expected time until all is done, in milliseconds: with the agents there are, null where there is none, and with the hint's. */
  readonly nowMs: number | null;
  readonly thenMs: number;
}

/** Looks at the ready work of each kind alone, as if its agents did nothing else. A query. */
export function* scaleHints(live: readonly Agent[]): Tx<ScaleHint[]> {
  const wanted = yield* wantedWork(DEMANDS_MAX);
  const demands = wanted.map(({ demand }) => demand);
  const offered: { offer: Offer; places: number }[] = [];
  for (const agent of live) {
    const offer = yield* withTasksWorkedOn(offerOf(agent, {}, connectionOf(agent)), demands);
    offered.push({ offer, places: agent.maxConcurrentTasks });
  }
  const hints: ScaleHint[] = [];
  for (const work of wanted) {
    const able = offered.filter(({ offer }) => meets(offer, work.demand));
    const capacity = able.reduce((sum, { places }) => sum + places, 0);
    const needed = scaleOf(work, capacity);
    if (needed === undefined) continue;
    const { project, role, requires } = work.demand;
    hints.push({
      project,
      roles: role === null ? [] : [role],
      capabilities: requires,
      ready: work.ready,
      capacity,
      ...needed,
    });
  }
  return hints;
}

type Work = Pick<WantedWork, "ready" | "workMs" | "longestMs">;

/**
 * The fewest more places with which work ends as early as its longest task lets it, and what they gain; undefined where that is less than
 * a tenth. Expected time: the larger of the longest task and all work over the places, the lower bound of Graham (1969).
 */
export function scaleOf(work: Work, capacity: number): Pick<ScaleHint, "more" | "nowMs" | "thenMs"> | undefined {
  const { ready, workMs, longestMs } = work;
  if (workMs <= 0) return undefined;
  const timeWith = (places: number): number => Math.max(longestMs, Math.round(workMs / Math.min(places, ready)));
  const enough = Math.min(ready, Math.ceil(workMs / Math.max(1, longestMs)));
  const more = enough - capacity;
  if (more <= 0) return undefined;
  const [nowMs, thenMs] = [capacity === 0 ? null : timeWith(capacity), timeWith(enough)];
  return nowMs !== null && thenMs > nowMs * (1 - GAIN_MIN) ? undefined : { more, nowMs, thenMs };
}
