import { z } from "zod";
import { recordedFigures } from "../engine/performance/history.js";
import { FIGURES, judgedBy } from "../engine/performance/targets.js";
import { STRATEGY_NAMES } from "../engine/routing/strategies.js";
import { defineOperation } from "../dispatch/operation.js";
import { defined } from "../base/json.js";
import { count } from "../dispatch/shapes.js";

const DURATION_SECONDS_MAX = 60;

/** How much each profile does. A call may ask for other numbers. */
const PROFILES = {
  quick: { agents: 5, tasks: 100, concurrency: 5, duration_seconds: 15, losses: 2, histories: 4 },
  normal: { agents: 20, tasks: 400, concurrency: 10, duration_seconds: 60, losses: 5, histories: 10 },
  heavy: { agents: 50, tasks: 2_000, concurrency: 20, duration_seconds: 60, losses: 10, histories: 20 },
} as const;
const PROFILE_NAMES = ["quick", "normal", "heavy"] as const;

const validate = defineOperation({
  name: "validate_performance",
  title: "Validate the performance",
  description:
    "Tries claims, completions, losses of processes, load balance and routing for at most a minute in a temporary SQLite database, reads recorded runs, and holds the figures against targets. Returns each figure with its target, whether it is met, and whether it was measured, is from history, or lacks data.",
  area: "system",
  effect: "read",
  permission: ["admin"],
  aliases: ["validate_all_targets"],
  words: ["benchmark", "stress test", "performance targets", "latency", "throughput"],
  input: z.object({
    profile: z.enum(PROFILE_NAMES).default("quick").describe("How much is tried."),
    agents: z.int().min(1).max(200).optional(),
    tasks: z.int().min(1).max(10_000).optional(),
    concurrency: z.int().min(1).max(100).optional().describe("Agents that call at once."),
    duration_seconds: z
      .number()
      .min(1)
      .max(DURATION_SECONDS_MAX)
      .optional()
      .describe("After this nothing new is begun; what it does not come to lacks data."),
  }),
  output: z.object({
    measurements: z
      .array(
        z.object({
          name: z.enum(FIGURES),
          value: z.number().nullable(),
          target: z.number(),
          at: z.enum(["most", "least"]),
          /** The setting with the target, or that it is Baton's own. */
          set_by: z.string(),
          met: z.boolean(),
          source: z.enum(["measured", "history", "none"]),
          /** Number of cases that it is over. */
          sample: count,
          /** Of routing: the strategy that was tried. */
          strategy: z.enum(STRATEGY_NAMES).optional(),
        }),
      )
      .readonly(),
    performance_score: z.number().min(0).max(100),
    targets_met: count,
    total_targets: count,
    profile: z.enum(PROFILE_NAMES),
    agents: count,
    tasks: count,
    concurrency: count,
    took_ms: count,
  }),
  needs: ["performance"],
  async perform(host, { profile, ...given }) {
    const { duration_seconds, losses, histories, ...planned } = { ...PROFILES[profile], ...defined(given) };
    const recorded = await host.read(recordedFigures);
    const plan = { ...planned, losses, histories, durationMs: duration_seconds * 1_000 };
    const { figures, tookMs } = await host.performance.tryOut(plan, host.signal);
    const verdict = judgedBy(host.performance.settings(), { ...figures, ...recorded });
    return { ...verdict, profile, ...planned, took_ms: tookMs };
  },
});

export const performanceOperations = [validate] as const;
