import { listEscalationPage } from "../engine/escalations/listing.js";
import { type FixedResource, LISTED_MAX } from "./resource.js";

const CHANGING: ReadonlySet<string> = new Set([
  "task.waiting",
  "task.escalated",
  "task.opened",
  "task.decided",
  "task.dead_letter",
  "task.cancelled",
  "run.finished",
  "run.cancelling",
  "run.stopping",
  "run.resumed_from_checkpoint",
  "run.pruned",
]);

export const escalations: FixedResource = {
  uri: "baton://escalations",
  name: "escalations",
  title: "Questions that wait for a decision",
  description:
    "Escalations of agents, human steps, and tasks without a taker, oldest first, of all projects, at most 200; list_escalations pages the rest.",
  read: (ctx) => listEscalationPage(ctx, { limit: LISTED_MAX }),
  changedBy: ({ type }) =>
    type.startsWith("escalation.") || type.startsWith("approval.") || type === "artifact.created" || CHANGING.has(type),
};
