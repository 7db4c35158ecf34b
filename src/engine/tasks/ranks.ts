import { refreshLane } from "../../store/scheduling/lanes.js";
import { dependenciesOf, setOrder } from "../../store/tasks/transitions.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { elementPrefix } from "../lifecycle/for-each.js";
import { TASK_SETTLED } from "../lifecycle/machines.js";
import type { RunChange } from "../lifecycle/run-change.js";

/**
 * Lifts the upward rank of what a new task depends on, and so on up the graph where the longest chain has become longer. Costs O(open
 * ancestors whose rank grows); a ready one moves up in its lane.
 */
export function* raiseRanks(change: RunChange, parents: readonly Task[], rankMs: number): Tx<void> {
  // A task is read again by each of its dependents, perhaps before it was lifted itself: what it stands at now is kept here.
  const lifted = new Map<string, number>();
  let wave: ReadonlyMap<string, Lift> = liftsOf(parents, rankMs);
  while (wave.size > 0) {
    const next = new Map<string, Lift>();
    for (const { task, atLeast } of wave.values()) {
      const rank = lifted.get(task.id) ?? -task.rankOrder;
      if (TASK_SETTLED.has(task.status) || rank >= atLeast) continue;
      lifted.set(task.id, atLeast);
      yield* setOrder(task.id, { rankOrder: -atLeast, earlierByMs: atLeast - rank });
      if (task.status === "ready") yield* refreshLane({ run: change.run.id, demand: task.demand, scope: task.scope });
      liftsOf(yield* dependenciesOf(task.id), atLeast, { lifts: next, of: task });
    }
    wave = next;
  }
}

interface Lift {
  readonly task: Task;
  readonly atLeast: number;
}

/**
 * Returns the rank each parent of a task of this rank must reach: each once, with the longest chain behind it. The elements of a
 * for_each step have the rank of the step, whose own work they are.
 */
function liftsOf(
  parents: readonly Task[],
  rankMs: number,
  { lifts, of }: { lifts: Map<string, Lift>; of?: Task } = { lifts: new Map() },
): Map<string, Lift> {
  for (const task of parents) {
    const isElement = of !== undefined && task.key.startsWith(elementPrefix(of.key));
    const atLeast = isElement ? rankMs : task.estimateMs + rankMs;
    if (atLeast > (lifts.get(task.id)?.atLeast ?? Number.NEGATIVE_INFINITY)) lifts.set(task.id, { task, atLeast });
  }
  return lifts;
}
