import type { SnapshotTask } from "../../store/snapshots/run-snapshots.js";
import { findRuns } from "../../store/runs/runs.js";
import { chunksOf } from "../../store/rows.js";
import type { TaskSpec } from "../../store/tasks/tasks.js";
import type { Row, Tx } from "../../store/tx.js";
import { withoutChild } from "../child-runs/child-spec.js";

/** A task that waits for a run within its own. */
export function waitsForRun(row: Row): boolean {
  return row["kind"] === "workflow" && row["status"] === "waiting";
}

/** The store's own JSON, of a task whose run is still to be started. */
export function unstarted(spec: string): string {
  return JSON.stringify(withoutChild(JSON.parse(spec) as TaskSpec));
}

/**
 * The tasks of a copy as they can be gone back to: one that waited for a run which has been cancelled or has failed since, or is no
 * longer there, begins another. One that has succeeded since gives its result again.
 */
export function* withLiveChildren(tasks: readonly SnapshotTask[], now: number): Tx<SnapshotTask[]> {
  const childOf = new Map<string, string>();
  for (const { row, spec } of tasks) {
    const child = waitsForRun(row) ? (JSON.parse(spec) as TaskSpec).child : undefined;
    if (child !== undefined) childOf.set(String(row["id"]), child);
  }
  const live = new Set<string>();
  for (const chunk of chunksOf([...childOf.values()])) {
    for (const { id, status, endedAt } of yield* findRuns(chunk)) {
      if (endedAt === null ? status !== "cancelling" : status === "succeeded") live.add(id);
    }
  }
  return tasks.map((task) => {
    const child = childOf.get(String(task.row["id"]));
    if (child === undefined || live.has(child)) return task;
    return { ...task, row: { ...task.row, due_at: now }, spec: unstarted(task.spec) };
  });
}
