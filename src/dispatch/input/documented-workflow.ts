import { defined, isObject } from "../../base/json.js";

const MINUTE_MS = 60_000;

/**
 * Returns an input in which the tasks of the founding documents' workflows (`workflow_id`, `tasks` with `task_id`) are a definition. A goal of
 * `balance_all` is how every run is routed that asks for nothing else.
 */
export function withDocumentedTasks(given: Record<string, unknown>): Record<string, unknown> {
  const { tasks, workflow_id: id, name, description, optimization_goal: goal, ...others } = given;
  if (!Array.isArray(tasks) || given["definition"] !== undefined || given["steps"] !== undefined) return given;
  return {
    ...others,
    ...(goal !== undefined && goal !== "balance_all" && { optimization_goal: goal }),
    definition: { ...defined({ name: id ?? name, description: headed(name, description) }), steps: tasks.map(stepOf) },
  };
}

/** The documents' name of a workflow is a heading, and its id the name. */
function headed(heading: unknown, text: unknown): unknown {
  return typeof heading === "string" && typeof text === "string" ? `${heading}: ${text}` : (text ?? heading);
}

function stepOf(task: unknown): unknown {
  if (!isObject(task)) return task;
  const {
    task_id: key,
    name: title,
    description,
    task_type: type,
    dependencies: needs,
    required_capabilities: requires,
    estimated_duration_minutes: minutes,
    ...others
  } = task;
  const estimate = typeof minutes === "number" ? minutes * MINUTE_MS : minutes;
  const prompt = description ?? title;
  return { ...defined({ key, title, prompt, type, needs, requires, estimate_ms: estimate }), ...others };
}
