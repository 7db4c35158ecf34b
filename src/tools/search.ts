import { z } from "zod";
import { defined } from "../base/json.js";
import { HIT_KINDS } from "../base/statuses.js";
import { iso } from "../base/time.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";
import { search } from "../engine/search.js";

const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 50;
const kind = z.enum(HIT_KINDS);

const searchTexts = defineOperation({
  name: "search",
  title: "Search texts",
  description:
    "Finds a text in runs, tasks with their prompts, questions, dead letters, messages, agents and the history, among the newest 20,000 of each. Use it to find work by a word of it. Returns what was found, kind by kind, newest first.",
  area: "runs",
  effect: "read",
  words: ["full text", "grep", "find a task by its title", "look up"],
  example: { text: "checkout" },
  input: z.object({
    text: z.string().trim().min(2).max(200).describe("As one phrase, in any case."),
    kinds: z.array(kind).min(1).max(HIT_KINDS.length).optional(),
    project: params.project.describe("From create_project or list_projects. Default: all of them."),
    limit: z.int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT).describe(`Of each kind, at most ${LIMIT_MAX}.`),
  }),
  output: z.object({
    found: z.array(
      z.object({
        kind,
        id: z.string(),
        title: z.string(),
        excerpt: z.string().optional(),
        status: z.string().optional(),
        from: z.string().optional(),
        run: z.string().optional(),
        task: z.string().optional(),
        at: shapes.instant,
      }),
    ),
    more: z.array(kind),
  }),
  *run(ctx, input) {
    const { found, more } = yield* search(ctx, input);
    const shown = found.map(({ kind: of, id, title, excerpt, at, status, sender, run, task }) => ({
      kind: of,
      id,
      title,
      ...defined({
        excerpt,
        status: status ?? undefined,
        from: sender ?? undefined,
        run: run ?? undefined,
        task: task ?? undefined,
      }),
      at: iso(at),
    }));
    return { found: shown, more: [...more] };
  },
});

export const searchOperations = [searchTexts] as const;
