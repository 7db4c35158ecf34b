import { BRIEF_TOKENS, getBrief } from "../engine/briefs/briefs.js";
import { suggestTasks } from "../engine/system/completions.js";
import { taskAndDependencies } from "../engine/tasks/queries.js";
import { isNote, type ResourceTemplate } from "./resource.js";

export const brief: ResourceTemplate = {
  uriTemplate: "baton://briefs/{id}",
  name: "brief",
  title: "Brief of a task",
  description:
    "What an agent that takes a task over needs: what is open, what failed, decisions, who did what, files, handoffs; in about 2,000 tokens. By its id, or RUN/KEY with the slash written as %2F.",
  mimeType: "text/plain",
  *read(ctx, id) {
    return (yield* getBrief(ctx, { task: id }, BRIEF_TOKENS.default)).brief;
  },
  complete: suggestTasks,
  changedBy: (change) => (isNote(change) ? null : change.task),
  follow: (_, id) => taskAndDependencies(id),
};
