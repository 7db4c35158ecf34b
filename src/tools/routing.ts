import { z } from "zod";
import { BatonError } from "../base/errors.js";
import { rounded } from "../base/numbers/rounding.js";
import { assignBest, roundedParts, type Route, routeOf } from "../engine/routing/routes.js";
import { GOALS, STRATEGY_NAMES } from "../engine/routing/strategies.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";

const share = z.number().min(0).max(1);

const route = defineOperation({
  name: "route_task",
  title: "Choose an agent for a task",
  description:
    "Ranks agents for a task by capability, success, speed, specialization, persona, load, cost and context. With dry_run: false it reserves the task for the best, and the task's history keeps the candidates and their scores. Returns the ranking with each score's parts.",
  area: "routing",
  effect: "write",
  aliases: ["route_task_advanced"],
  words: ["who should do it", "best agent", "assign to the best agent"],
  example: { task: "task_…", strategy: "performance" },
  translate: withDocumentedNames,
  input: z.object({
    task: params.task,
    candidates: z
      .array(params.name)
      .min(1)
      .max(100)
      .optional()
      .describe(
        "Agents, from list_agents. Default: all that are there and have registered what they offer, or have had a task.",
      ),
    strategy: z.enum(STRATEGY_NAMES).optional().describe("Default: by the run's mode; adaptive for standard."),
    optimization_goal: z.enum(GOALS).optional().describe("In place of a strategy."),
    task_type: z.string().min(1).max(200).optional().describe("Whose evidence counts. Default: the task's type."),
    cognitive_style: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe("Default for this and the next four: the task's own."),
    creativity: share.optional(),
    analytical_depth: share.optional(),
    collaboration: share.optional(),
    quality: share.optional(),
    dry_run: z.boolean().default(true),
    request_id: params.requestId,
  }),
  output: z.object({
    ranking: z.array(
      z.object({
        agent: z.string(),
        feasible: z.boolean(),
        score: z.number(),
        parts: z.record(z.string(), z.number()),
        /** The kinds of reason for which a claim would be turned away. */
        lacks: z.array(z.string()).readonly().optional(),
      }),
    ),
    strategy: z.string(),
    task_type: z.string(),
    assigned: z.string().optional(),
  }),
  async perform(
    host,
    { task, candidates, strategy, optimization_goal: goal, task_type: type, dry_run: isDry, ...rest },
  ) {
    const { cognitive_style, creativity, analytical_depth, collaboration, quality } = rest;
    if (strategy !== undefined && goal !== undefined) throw bothSaid(strategy, goal);
    const persona = { cognitive_style, creativity, analytical_depth, collaboration };
    const query = { task, candidates, strategy, goal, type, persona, quality };
    const ranked = await host.read((ctx) => routeOf(ctx, query));
    if (isDry) return routeView(ranked);
    const found = await host.transact((ctx) => assignBest(ctx, ranked), "assign");
    return { ...routeView(found), assigned: found.assigned };
  },
});

/** A goal stands for weights, as a strategy does: which of the two is meant cannot be told. */
function bothSaid(strategy: string, goal: string): BatonError {
  const message = `strategy ("${strategy}") and optimization_goal ("${goal}") each say which parts of a score count: give one of them.`;
  return new BatonError("invalid_input", message, { details: { strategy, optimization_goal: goal } });
}

function routeView({ ranking, by, type }: Route) {
  return {
    ranking: ranking.map(({ agent, score, parts, gaps }) => ({
      agent,
      feasible: gaps.length === 0,
      score: rounded(score),
      parts: roundedParts(parts),
      ...(gaps.length > 0 && { lacks: gaps }),
    })),
    strategy: by,
    task_type: type,
  };
}

/** The names of the founding documents. */
const DOCUMENTED = {
  routing_strategy: "strategy",
  preferred_cognitive_style: "cognitive_style",
  creativity_requirements: "creativity",
  collaboration_intensity: "collaboration",
  expected_quality_threshold: "quality",
} as const;

function withDocumentedNames(given: Record<string, unknown>): Record<string, unknown> {
  const renamed = { ...given };
  for (const [from, to] of Object.entries(DOCUMENTED)) {
    if (!(from in renamed) || to in renamed) continue;
    renamed[to] = renamed[from];
    delete renamed[from];
  }
  return renamed;
}

export const routingOperations = [route];
