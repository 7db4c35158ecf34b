import { refreshLane } from "../store/lanes.js";
import { dependenciesOf, setOrder } from "../store/task-changes.js";
import type { Task } from "../store/tasks.js";
import type { Tx } from "../store/tx.js";
import { TASK_SETTLED } from "./machine.js";
import type { RunChange } from "./run-change.js";

/**
 * Lifts the upward rank of what a new task depends on, and so on up the graph where the longest chain has become longer. Costs O(open
 * ancestors whose rank grows); a ready one moves up in its lane.
 */
export function* raiseRanks(change: RunChange, parents: readonly Task[], rankMs: number): Tx<void> {
  let wave = parents.map((task) => ({ task, atLeast: task.estimateMs + rankMs }));
  while (wave.length > 0) {
    const next: typeof wave = [];
    for (const { task, atLeast } of wave) {
      const rank = -task.rankOrder;
      if (TASK_SETTLED.has(task.status) || rank >= atLeast) continue;
      yield* setOrder(task.id, { rankOrder: -atLeast, earlierByMs: atLeast - rank });
      if (task.status === "ready") yield* refreshLane({ run: change.run.id, demand: task.demand, scope: task.scope });
      for (const parent of yield* dependenciesOf(task.id)) {
        next.push({ task: parent, atLeast: parent.estimateMs + atLeast });
      }
    }
    wave = next;
  }
}
