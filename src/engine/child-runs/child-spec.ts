import type { TaskSpec } from "../../store/tasks/tasks.js";

export function withoutChild(spec: TaskSpec): TaskSpec {
  const { child: _, ...rest } = spec;
  return rest;
}
