import { z } from "zod";
import { BRIEF_TOKENS, getBrief } from "../engine/briefs/briefs.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

export const brief = defineOperation({
  name: "get_brief",
  title: "Get a brief",
  description:
    "Sums up a task or a run from recorded facts: what is open, what failed and why, decisions, who did what, files touched, handoffs. Use it when you take work over or your context was compacted. Returns the text, its estimated tokens, and calls that show what was left out.",
  area: "tasks",
  effect: "read",
  words: ["handoff brief", "context was compacted", "catch up", "what happened", "take over", "summary of a run"],
  example: { task: "task_…" },
  input: z.object({
    task: params.task.optional(),
    run: params.run.optional(),
    max_tokens: z.int().min(BRIEF_TOKENS.min).max(BRIEF_TOKENS.max).default(BRIEF_TOKENS.default),
  }),
  output: z.object({
    brief: z.string(),
    tokens: z.int(),
    cut: z.array(z.object({ of: z.string(), lines: z.int(), next: shapes.call })).optional(),
  }),
  *run(ctx, { max_tokens: tokensMax, ...subject }) {
    const { cut, ...fitted } = yield* getBrief(ctx, subject, tokensMax);
    return { ...fitted, ...(cut.length > 0 && { cut: cut.map((one) => ({ ...one })) }) };
  },
});
