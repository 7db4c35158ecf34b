import { successBelief } from "../belief/belief.js";
import { learnedWeights } from "./learned-weights.js";
import type { Uniform } from "./sampling.js";
import { type RoutingCandidate, partsOf, type Persona, type ScoreParts, SCORE_PARTS } from "./scoring.js";
import type { Strategy } from "./strategies.js";

export interface RankingTerms {
  readonly strategy: Strategy;
  readonly persona: Persona;
  readonly quality?: number | undefined;
  /** Null where learning is off: the same facts then give the same ranking, and equal agents stand in order of name. */
  readonly uniform: Uniform | null;
}

export interface Ranked {
  readonly agent: string;
  readonly score: number;
  readonly parts: ScoreParts;
  /** The probability that it succeeds in an attempt, as far as is known. Its part of the score may be drawn or cautious. */
  readonly success: number;
}

/** Returns candidates with their scores, the best first. */
export function ranked(
  candidates: readonly RoutingCandidate[],
  { strategy, persona, quality, uniform }: RankingTerms,
): Ranked[] {
  const parts = partsOf(candidates, { persona, quality, uniform, cautious: strategy.cautious ?? false });
  const weights = strategy.adapts ? learnedWeights(strategy.weights, candidates, parts) : strategy.weights;
  const whole = SCORE_PARTS.reduce((sum, part) => sum + (weights[part] ?? 0), 0);
  return candidates
    .map(({ agent, evidence }, at) => {
      const own = parts[at];
      if (own === undefined) throw new Error(`${agent} has no parts`);
      const sum = SCORE_PARTS.reduce((all, part) => all + (weights[part] ?? 0) * own[part], 0);
      const { alpha, beta } = successBelief(evidence);
      const success = alpha / (alpha + beta);
      return { agent, score: (own.quality * own.health * sum) / whole, parts: own, success };
    })
    .sort((one, other) => other.score - one.score || (one.agent < other.agent ? -1 : 1));
}
