import { isObject, type JsonObject } from "../../base/json.js";

const LIST_MAX = 50;

/** The runs, escalations and approvals that an input or an answer is about: not the runs that a list of runs happens to name. */
export function subjectsNamedIn(data: JsonObject): string[] {
  const { arguments: nested, result } = data;
  // Of query_operation and call_operation.
  const inner = [nested, result].filter(isObject).flatMap(subjectsOf);
  return [...new Set([...subjectsOf(data), ...inner])];
}

function subjectsOf({
  id,
  run,
  task,
  events,
  escalation,
  escalations,
  approval,
  approvals,
  tasks,
}: JsonObject): string[] {
  return [
    ...ofQuestion(id),
    ...ofRun(run),
    ...ofTask(task),
    ...ofQuestion(escalation),
    ...ofQuestion(approval),
    ...listed(events).flatMap((event) => ofRun(event["run"])),
    ...listed(escalations).flatMap(ofQuestion),
    ...listed(approvals).flatMap(ofQuestion),
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

/** An escalation or an approval, with its run, or a human step, which is known by that of its task. */
function ofQuestion(question: unknown): string[] {
  if (isObject(question))
    return [...ofQuestion(question["id"]), ...ofRun(question["run"]), ...ofTask(question["task"])];
  return typeof question === "string" && /^(?:escalation|approval)_[0-9a-z]{1,32}$/.test(question) ? [question] : [];
}

function listed(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.slice(0, LIST_MAX).filter(isObject) : [];
}
