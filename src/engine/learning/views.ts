import { dollarsOf } from "../../base/money.js";
import type { WeighedEvidence } from "../../store/learning/evidence.js";

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

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
