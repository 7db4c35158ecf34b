import { type ClaimTarget, firstOfLane, type LaneHead } from "../../store/scheduling/lanes.js";
import { firstLaneBeside } from "../../store/scheduling/running-alone.js";
import { runsAtWork } from "../../store/runs/counters.js";
import type { Tx } from "../../store/tx.js";
import { inOrder, tiedWith } from "./lane-choice.js";

/** Demands for which the next run that has them is looked up. */
const DEMANDS_MAX = 20;

/**
 * Leaves out, of lanes in their order, those of tasks that run alone where their run is at work, and what comes after them in that run: it is to come to
 * rest. In a project the next run with the same demand takes their place. Reads nothing where no task runs alone.
 */
export function* withoutWaitingAlone(target: ClaimTarget, lanes: readonly LaneHead[]): Tx<readonly LaneHead[]> {
  const alone = lanes.filter(({ demand }) => demand.alone);
  if (alone.length === 0) return lanes;
  const atWork = yield* runsAtWork([...new Set(alone.map(({ run }) => run))]);
  const left = new Set<LaneHead>();
  for (const run of atWork) for (const lane of yield* waitingIn(run, lanes)) left.add(lane);
  if (left.size === 0) return lanes;
  const kept = lanes.filter((lane) => !left.has(lane));
  if ("run" in target) return kept;
  const beside: LaneHead[] = [];
  for (const { demand } of [...left].slice(0, DEMANDS_MAX)) {
    const lane = yield* firstLaneBeside(demand, [...atWork]);
    if (lane) beside.push(lane);
  }
  return [...kept, ...beside].toSorted(inOrder);
}

/** Returns the lanes of a run at work from the first one on whose task runs alone. */
function* waitingIn(run: string, all: readonly LaneHead[]): Tx<LaneHead[]> {
  const lanes = all.filter((lane) => lane.run === run);
  const at = lanes.findIndex(({ demand }) => demand.alone);
  const [first] = lanes.slice(at);
  if (!first) return [];
  const waiting = lanes.slice(at);
  // The task that a lane with the same key names may have left, and the next one be younger.
  for (const lane of tiedWith(first, lanes.slice(0, at))) {
    const next = yield* firstOfLane(lane, "");
    if (next && next.task.id > first.head) waiting.push(lane);
  }
  return waiting;
}

/** Whether a task of this demand waits until its run is idle. */
export function* waitsAlone({ demand, run }: Pick<LaneHead, "demand" | "run">): Tx<boolean> {
  return demand.alone && (yield* runsAtWork([run])).has(run);
}
