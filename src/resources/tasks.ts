import { suggestTasks } from "../engine/system/completions.js";
import { findWholeTask, taskAndDependencies } from "../engine/tasks/queries.js";
import { type ResourceTemplate } from "./resource.js";

export const task: ResourceTemplate = {
  uriTemplate: "baton://tasks/{id}",
  name: "task",
  title: "Task",
  description:
    "A task with its spec, its whole result, every attempt, and what it depends on. By its id, or RUN/KEY with the slash written as %2F.",
  read: (_, id) => findWholeTask(id),
  complete: suggestTasks,
  changedBy: (change) => change.task,
  // The end of a dependency is counted in the task, and makes no event of the task's own until it is the last.
  follow: (_, id) => taskAndDependencies(id),
};
