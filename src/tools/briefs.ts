import { z } from "zod";
import { BatonError } from "../base/errors.js";
import { BRIEF_TOKENS, getBrief } from "../engine/briefs/briefs.js";
import { keptBrief, requireCheckpoint } from "../engine/checkpoints/checkpoints.js";
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
    checkpoint: z
      .string()
      .min(1)
      .max(300)
      .optional()
      .describe("Instead: its run's brief as it was then, at most 2000 tokens."),
    max_tokens: z.int().min(BRIEF_TOKENS.min).max(BRIEF_TOKENS.max).default(BRIEF_TOKENS.default),
  }),
  output: z.object({
    brief: z.string(),
    tokens: z.int(),
    /** SHA-256 of a brief that a checkpoint keeps. */
    hash: z.string().optional(),
    cut: z.array(z.object({ of: z.string(), lines: z.int(), next: shapes.call })).optional(),
  }),
  async perform(host, { max_tokens: tokensMax, checkpoint, ...subject }) {
    requireOne({ ...subject, checkpoint });
    if (checkpoint !== undefined) {
      const { text, tokens, hash } = await keptBrief(await host.read(() => requireCheckpoint(checkpoint)));
      return { brief: text, tokens, hash };
    }
    const { cut, ...fitted } = await host.read((ctx) => getBrief(ctx, subject, tokensMax));
    return { ...fitted, ...(cut.length > 0 && { cut: cut.map((one) => ({ ...one })) }) };
  },
});

function requireOne(subjects: Readonly<Record<string, string | undefined>>): void {
  const named = Object.keys(subjects).filter((name) => subjects[name] !== undefined);
  if (named.length === 1) return;
  throw new BatonError("invalid_input", "Name a task, a run or a checkpoint, and only one of them.", {
    details: { path: named.at(-1) ?? "task" },
  });
}
