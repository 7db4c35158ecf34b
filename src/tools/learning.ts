import { z } from "zod";
import { halfLifeMs } from "../base/numbers/half-life.js";
import { iso } from "../base/time.js";
import { giveFeedback } from "../engine/learning/feedback.js";
import { findLearned } from "../engine/learning/learning.js";
import { beliefView, consumptionView, evidenceView } from "../engine/learning/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { count, instant, nextPage } from "../dispatch/shapes.js";

const NOTE_CHARS_MAX = 2_000;

const feedback = defineOperation({
  name: "give_feedback",
  title: "Give feedback",
  description:
    "Says how good an agent's work was, on a task that has ended or on the agent as a whole, from -1 (bad) to 1 (good). It counts as the success of an attempt for whom to prefer later. Returns what was recorded.",
  area: "routing",
  effect: "write",
  words: ["rate an agent", "rating", "praise", "complain about a result"],
  example: { task: "task_…", score: 1, note: "…" },
  input: z.object({
    task: params.task.optional(),
    agent: params.name.optional().describe("The agent it is about, from list_agents, where no task is named."),
    score: z.number().min(-1).max(1),
    note: z.string().max(NOTE_CHARS_MAX).optional(),
    by: params.givenBy,
    request_id: params.requestId,
  }),
  output: z.object({
    feedback: z.object({
      agent: z.string(),
      type: z.string().optional(),
      score: z.number(),
      from: z.string(),
      at: instant,
    }),
    learned: z.boolean(),
  }),
  *run(ctx, input) {
    const { agent, type, score, author, at } = yield* giveFeedback(ctx, input);
    return {
      feedback: { agent, ...(type !== "" && { type }), score, from: author, at: iso(at) },
      learned: ctx.settings.learning_enabled,
    };
  },
});

const measured = { evidence: z.number() } as const;
const learned = {
  success: z.object({ rate: z.number(), ...measured }).optional(),
  quality: z.object({ mean: z.number(), ...measured }).optional(),
  duration: z.object({ median_ms: count, spread: z.number(), ...measured }).optional(),
  cost: z.object({ mean: z.number(), ...measured }).optional(),
  observations: count,
  expected: z.object({
    success: z.number(),
    success_low: z.number(),
    success_high: z.number(),
    median_ms: count,
    low_ms: count,
    high_ms: count,
  }),
} as const;

/** Memory and processor time of commands. */
const consumedShape = {
  memory: z.object({ median_bytes: count, p95_bytes: count, ...measured }).optional(),
  cpu: z.object({ median_ms: count, p95_ms: count, ...measured }).optional(),
  cores: z.object({ median: z.number(), p95: z.number() }).optional(),
} as const;

const getLearning = defineOperation({
  name: "get_learning",
  title: "Get what was learned",
  description:
    "Shows what ended attempts, reviews and feedback say of agents and types of tasks: success, quality, duration (median and spread), cost in US$, and memory, processor time and cores of commands, each with its evidence in attempts of today; old evidence fades. expected is the belief of the next attempt, with bounds for eight in ten.",
  area: "routing",
  effect: "read",
  aliases: ["get_learning_insights"],
  words: [
    "learning",
    "who is good at",
    "how long does it take",
    "success probability",
    "agent performance patterns",
    "resource usage patterns",
  ],
  input: z.object({
    agent: params.name.optional().describe("From list_agents. Default: all."),
    task_type: params.name.optional().describe("Type of a task: see spec.type of get_task. Default: all."),
    ...params.paging,
  }),
  output: z.object({
    enabled: z.boolean(),
    half_life_ms: count.nullable(),
    together: z.object(learned),
    learning: z.array(
      z.object({
        agent: z.string(),
        type: z.string().optional(),
        ...learned,
        ...consumedShape,
        learned_at: instant,
      }),
    ),
    ...nextPage,
  }),
  *run(ctx, { task_type: type, ...query }) {
    const { together, pairs, consumed } = yield* findLearned(ctx, { ...query, type });
    return {
      enabled: ctx.settings.learning_enabled,
      half_life_ms: halfLifeMs(ctx.settings.learning_rate),
      together: { ...evidenceView(together.evidence), expected: beliefView(together) },
      learning: pairs.page.map((pair) => ({
        agent: pair.evidence.agent,
        ...(pair.evidence.type !== "" && { type: pair.evidence.type }),
        ...evidenceView(pair.evidence),
        ...consumptionView(consumed.get(pair.evidence.id)),
        expected: beliefView(pair),
        learned_at: iso(pair.evidence.updatedAt),
      })),
      ...pairs.next,
    };
  },
});

export const learningOperations = [feedback, getLearning] as const;
