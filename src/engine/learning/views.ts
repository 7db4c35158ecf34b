import { quantile } from "../../base/numbers/log-normal.js";
import { rounded } from "../../base/numbers/rounding.js";
import { dollarsOf } from "../../base/money.js";
import type { ConsumedSums, WeighedEvidence } from "../../store/learning/evidence.js";
import { consumedBy } from "./consumed.js";
import type { Believed } from "./learning.js";

/** Evidence as answers show it; what nothing was observed of is left out. */
export function evidenceView({ observations, ...sums }: WeighedEvidence) {
  const { successes, failures, judged, quality, durations, logSum, logSquares, costs, cost } = sums;
  const attempts = successes + failures;
  const mean = logSum / durations;
  const spread = Math.exp(Math.sqrt(Math.max(0, logSquares / durations - mean ** 2)));
  return {
    ...(attempts > 0 && { success: { rate: rounded(successes / attempts), evidence: rounded(attempts) } }),
    ...(judged > 0 && { quality: { mean: rounded(quality / judged), evidence: rounded(judged) } }),
    ...(durations > 0 && {
      duration: { median_ms: Math.round(Math.exp(mean)), spread: rounded(spread), evidence: rounded(durations) },
    }),
    ...(costs > 0 && { cost: { mean: dollarsOf(Math.round(cost / costs)), evidence: rounded(costs) } }),
    observations,
  };
}

/** Returns what the commands of a type have taken; what was not measured is left out. */
export function consumptionView(sums: ConsumedSums | undefined) {
  const consumed = sums && consumedBy(sums);
  if (consumed === undefined) return {};
  const { memory, cpu, cores } = consumed;
  return {
    ...(memory && {
      memory: {
        median_bytes: Math.round(memory.median),
        p95_bytes: Math.round(memory.p95),
        evidence: rounded(memory.evidence),
      },
    }),
    ...(cpu && {
      cpu: { median_ms: Math.round(cpu.median), p95_ms: Math.round(cpu.p95), evidence: rounded(cpu.evidence) },
    }),
    ...(cores && { cores: { median: rounded(cores.median), p95: rounded(cores.p95) } }),
  };
}

/** Eight in ten of a normal distribution lie within so many standard deviations. */
const EIGHT_IN_TEN = 1.2816;

/** The belief of the next attempt, with bounds that hold eight in ten. */
export function beliefView({ success: { alpha, beta }, duration }: Believed<WeighedEvidence>) {
  const weight = alpha + beta;
  const mean = alpha / weight;
  const around = EIGHT_IN_TEN * Math.sqrt((mean * (1 - mean)) / (weight + 1));
  const msOf = (ms: number) => Math.round(Math.min(MS_MAX, ms));
  return {
    success: rounded(mean),
    success_low: rounded(Math.max(0, mean - around)),
    success_high: rounded(Math.min(1, mean + around)),
    median_ms: msOf(Math.exp(duration.mean)),
    low_ms: msOf(quantile(duration, 0.1)),
    high_ms: msOf(quantile(duration, 0.9)),
  };
}

/** Keeps a duration an exact integer. */
const MS_MAX = Number.MAX_SAFE_INTEGER;
