import {
  bestOtherRun,
  type Candidate,
  type ClaimTarget,
  firstOfLane,
  type LaneHead,
  type OrderKey,
  setHead,
} from "../../store/scheduling/lanes.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";

export type Lane = Pick<LaneHead, "run" | "demand" | "head">;

/** A lane, and the task that is first in it; undefined where another claim was quicker. */
export interface Choice {
  readonly lane: Lane;
  readonly candidate: Candidate | undefined;
}

/** The lanes of a run that come first together: they differ in the age of their first tasks alone. */
export function tiedWith(first: LaneHead, heads: readonly LaneHead[]): LaneHead[] {
  return heads.filter(
    (lane) =>
      lane.run === first.run &&
      lane.bucket === first.bucket &&
      lane.latestStart === first.latestStart &&
      lane.rankOrder === first.rankOrder,
  );
}

/**
 * Finds the oldest first task of tied lanes, oldest lane first. A lane names the task that was its first when its key changed, and
 * that one may have left: where the next is younger than another lane's, the lane is told so and comes after that one.
 */
export function* chooseAmong(first: Lane, tied: readonly Lane[], agent: string): Tx<Choice> {
  const others = [...tied];
  for (let lane = first; ;) {
    const candidate = yield* firstOfLane(lane, agent);
    const [next] = others;
    if (!candidate || !next || candidate.task.id < next.head) return { lane, candidate };
    const { id } = candidate.task;
    yield* setHead(lane, id);
    const younger = others.findIndex(({ head }) => head > id);
    others.splice(younger === -1 ? others.length : younger, 0, { ...lane, head: id });
    lane = others.shift() ?? lane;
  }
}

/** The first lane beside this one: of the lanes that were read for the claim, and of other runs with the same demand, which those hide. */
export function* rivalOf(
  target: ClaimTarget,
  { run, demand }: Lane,
  lanes: readonly LaneHead[],
): Tx<OrderKey | undefined> {
  const other = lanes.find((lane) => lane.run !== run || lane.demand.id !== demand.id);
  const same = "run" in target ? undefined : yield* bestOtherRun({ run, demand });
  return other && same ? [other, same].toSorted(inOrder)[0] : (other ?? same);
}

/** Whether the first task of a lane comes before a task. */
export function isBefore(lane: OrderKey, task: Task): boolean {
  return isEarlier(lane, { ...task, head: task.id });
}

/** Compares lanes by the order in which their first tasks are claimed. */
export function inOrder(a: OrderKey, b: OrderKey): number {
  return isEarlier(a, b) ? -1 : 1;
}

function isEarlier(a: OrderKey, b: OrderKey): boolean {
  if (a.bucket !== b.bucket) return a.bucket < b.bucket;
  if (a.latestStart !== b.latestStart) return a.latestStart < b.latestStart;
  if (a.rankOrder !== b.rankOrder) return a.rankOrder < b.rankOrder;
  return a.head < b.head;
}
