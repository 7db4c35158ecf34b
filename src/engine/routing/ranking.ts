import { type RoutingCandidate, partsOf, type Persona, type ScoreParts, SCORE_PARTS } from "./scoring.js";
import type { Uniform } from "./sampling.js";
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
}

/** Returns candidates with their scores, the best first. */
export function ranked(
  candidates: readonly RoutingCandidate[],
  { strategy, persona, quality, uniform }: RankingTerms,
): Ranked[] {
  const parts = partsOf(candidates, { persona, quality, uniform, cautious: strategy.cautious ?? false });
  const weights = strategy.adapts ? adapted(strategy.weights, shownBy(candidates)) : strategy.weights;
  const whole = SCORE_PARTS.reduce((sum, part) => sum + (weights[part] ?? 0), 0);
  return candidates
    .map(({ agent }, at) => {
      const own = parts[at];
      if (own === undefined) throw new Error(`${agent} has no parts`);
      const sum = SCORE_PARTS.reduce((all, part) => all + (weights[part] ?? 0) * own[part], 0);
      return { agent, score: (own.quality * own.health * sum) / whole, parts: own };
    })
    .sort((one, other) => other.score - one.score || (one.agent < other.agent ? -1 : 1));
}

/** Attempts of a candidate after which claims and evidence count alike. */
const EVEN_ATTEMPTS = 10;

/** The part of what is to be known that the candidates' attempts at this type have shown: 0 at first, 1 in the end. */
function shownBy(candidates: readonly RoutingCandidate[]): number {
  const attempts = candidates.reduce((sum, { evidence: { pair } }) => sum + pair.successes + pair.failures, 0);
  return attempts / (attempts + EVEN_ATTEMPTS * candidates.length);
}

/** Parts that go by evidence gain up to twice their weight, those that go by what agents say of themselves lose up to half of it. */
function adapted(weights: Strategy["weights"], shown: number): Strategy["weights"] {
  const { performance = 0, speed = 0, persona = 0, capability = 0 } = weights;
  const [more, less] = [1 + shown, 1 - shown / 2];
  return {
    ...weights,
    performance: performance * more,
    speed: speed * more,
    persona: persona * less,
    capability: capability * less,
  };
}
