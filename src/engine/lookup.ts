import * as runs from "../store/runs/runs.js";
import { keysOfRun } from "../store/tasks/lists.js";
import * as tasks from "../store/tasks/tasks.js";
import type { Tx } from "../store/tx.js";
import { BatonError } from "../base/errors.js";
import { hint } from "../base/names.js";

/** The run of an id. Errors: `not_found`. */
export function* requireRun(id: string): Tx<runs.Run> {
  const run = yield* runs.findRun(id);
  if (run) return run;
  const named = id.startsWith("run_") ? "" : " A run is named by its id.";
  throw new BatonError("not_found", `There is no run ${id}.${named}`, {
    details: { run: id },
    next: [{ tool: "query_operation", arguments: { name: "list_runs", arguments: {} } }],
  });
}

/** The id behind a task reference: an id, or `RUN/KEY`. Errors: `not_found`, with the nearest key. */
export function* taskId(reference: string): Tx<string> {
  const slash = reference.indexOf("/");
  if (slash < 0) return reference;
  const run = yield* requireRun(reference.slice(0, slash));
  const key = reference.slice(slash + 1);
  const task = yield* tasks.findTaskByKey(run.id, key);
  if (task) return task.id;
  const keys = yield* keysOfRun(run.id);
  throw new BatonError("not_found", `Run ${run.id} has no task "${key}"${hint(key, keys)}.`, {
    details: { run: run.id, key },
    next: [{ tool: "list_tasks", arguments: { run: run.id } }],
  });
}

/** Errors: `not_found`. */
export function* requireTask(reference: string): Tx<tasks.TaskAndSpec> {
  const id = yield* taskId(reference);
  const found = yield* tasks.findTaskAndSpec(id);
  if (found) return found;
  throw noSuchTask(id);
}

export function noSuchTask(id: string): BatonError {
  const key = id.startsWith("task_") ? "" : " A step's key says which task only after its run: RUN/KEY.";
  return new BatonError("not_found", `There is no task ${id}.${key}`, {
    details: { task: id },
    next: [{ tool: "list_tasks", arguments: { status: "running" } }],
  });
}
