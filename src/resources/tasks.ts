import { listOpenReviews } from "../engine/reviews/listing.js";
import { suggestTasks } from "../engine/system/completions.js";
import { findWholeTask, taskAndDependencies } from "../engine/tasks/queries.js";
import { type FixedResource, LISTED_MAX, type ResourceTemplate } from "./resource.js";

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

const CHANGING_REVIEWS: ReadonlySet<string> = new Set([
  "task.claimed",
  "task.released",
  "task.lease_lost",
  "task.dead_letter",
  "task.cancelled",
  "task.superseded",
  "run.finished",
  "run.cancelling",
  "run.stopping",
  "run.resumed_from_checkpoint",
  "run.forked",
  "run.pruned",
]);

export const reviews: FixedResource = {
  uri: "baton://reviews",
  name: "reviews",
  title: "Open reviews",
  description:
    "Reviews that wait for a verdict, oldest first, of all projects, at most 200: task, round, tier, role, and who holds it.",
  *read() {
    return { reviews: yield* listOpenReviews({ limit: LISTED_MAX }) };
  },
  changedBy: ({ type }) => type.startsWith("review.") || CHANGING_REVIEWS.has(type),
};
