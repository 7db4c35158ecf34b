import * as lanes from "../../store/scheduling/lanes.js";
import type { Run } from "../../store/runs/runs.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";

/** How a change moves the lanes of its run. */
export class LaneChanges {
  readonly #entering: Task[] = [];
  readonly #leaving: lanes.LaneOfTask[] = [];

  /** The task, as it is now, is ready and takes its place in its lane. */
  enter(task: Task): void {
    this.#entering.push(task);
  }

  /** The task, as it was, is no longer in its lane. */
  leave(task: Task): void {
    this.#leaving.push(task);
  }

  /** Forgets all of it, for lanes that are deleted. */
  clear(): void {
    this.#entering.length = 0;
    this.#leaving.length = 0;
  }

  /** Writes the lanes; `toggled` says whether the run has begun or ceased to give out work. */
  *write(run: Run, { open, toggled }: { readonly open: boolean; readonly toggled: boolean }): Tx<void> {
    if (toggled) yield* lanes.setLanesOpen(run.id, open);
    yield* enterLanes(run, this.#entering, open);
    const seen = new Set<string>();
    for (const lane of this.#leaving) {
      const id = `${lane.demand}/${lane.scope}`;
      if (seen.has(id)) continue;
      seen.add(id);
      yield* lanes.refreshLane(lane);
    }
  }
}

/** Puts newly ready tasks into their lanes: one row per lane, the best of its newcomers. */
function* enterLanes(run: Run, tasks: readonly Task[], open: boolean): Tx<void> {
  const plain = new Map<string, Task>();
  const scoped = new Map<string, Task>();
  const scopedDemands = new Set<string>();
  for (const task of tasks) {
    if (task.scope === "") setIfFirst(plain, task.demand, task);
    else {
      setIfFirst(scoped, `${task.demand}/${task.scope}`, task);
      scopedDemands.add(task.demand);
    }
  }
  const lane = { run: run.id, project: run.project, open };
  yield* lanes.enterLanes([...plain.values()].map((task) => ({ ...lane, demand: task.demand, ...keyOf(task) })));
  if (scoped.size === 0) return;
  yield* lanes.enterScopeLanes(
    [...scoped.values()].map((task) => ({ ...lane, demand: task.demand, scope: task.scope, ...keyOf(task) })),
  );
  yield* lanes.ensureLanes([...scopedDemands].map((demand) => ({ ...lane, demand })));
  for (const demand of scopedDemands) yield* lanes.refreshFromScopes({ run: run.id, demand });
}

function setIfFirst(best: Map<string, Task>, lane: string, task: Task): void {
  const rival = best.get(lane);
  if (rival === undefined || comesBefore(task, rival)) best.set(lane, task);
}

/** The stored order of ready tasks, compared in memory. */
function comesBefore(a: Task, b: Task): boolean {
  if (a.bucket !== b.bucket) return a.bucket < b.bucket;
  if (a.latestStart !== b.latestStart) return a.latestStart < b.latestStart;
  if (a.rankOrder !== b.rankOrder) return a.rankOrder < b.rankOrder;
  return a.id < b.id;
}

function keyOf(task: Task): lanes.OrderKey {
  return { bucket: task.bucket, latestStart: task.latestStart, rankOrder: task.rankOrder, head: task.id };
}
