import { pendingDeadLetters } from "../engine/dead-letters/dead-letters.js";
import { type FixedResource, LISTED_MAX } from "./resource.js";

const CHANGING: ReadonlySet<string> = new Set([
  "task.dead_letter",
  "task.replayed",
  "task.discarded",
  "task.succeeded",
  "run.reopened",
  "run.resumed_from_checkpoint",
  "run.forked",
  "run.pruned",
]);

export const deadLetters: FixedResource = {
  uri: "baton://dead-letters",
  name: "dead-letters",
  title: "Dead letters",
  description:
    "Pending dead letters (tasks that failed for good), newest first, of all projects, at most 200; list_dead_letters pages the rest.",
  read: (ctx) => pendingDeadLetters(ctx, LISTED_MAX),
  changedBy: (change) => CHANGING.has(change.type),
};
