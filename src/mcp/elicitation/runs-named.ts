import { isObject, type JsonObject } from "../../base/json.js";

const LIST_MAX = 50;

/** The runs that an input or an answer is about: not those that a list of runs happens to name. */
export function runsNamedIn(data: JsonObject): string[] {
  const { arguments: nested, result } = data;
  // Of query_operation and call_operation.
  const inner = [nested, result].filter(isObject).flatMap(runsOf);
  return [...new Set([...runsOf(data), ...inner])];
}

function runsOf({ run, task, events, escalations, tasks }: JsonObject): string[] {
  return [
    ...ofRun(run),
    ...ofTask(task),
    ...listed(events).flatMap((event) => ofRun(event["run"])),
    ...listed(escalations).flatMap((escalation) => ofTask(escalation["task"])),
    ...listed(tasks).flatMap(ofTask),
  ];
}

/** Its id, or the run itself. */
function ofRun(run: unknown): string[] {
  if (isObject(run)) return ofRun(run["id"]);
  return typeof run === "string" && /^run_[0-9a-z]{1,32}$/.test(run) ? [run] : [];
}

/** A task, or its address within its run. */
function ofTask(task: unknown): string[] {
  return isObject(task) ? ofRun(task["run"]) : typeof task === "string" ? ofRun(task.split("/")[0]) : [];
}

function listed(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.slice(0, LIST_MAX).filter(isObject) : [];
}
