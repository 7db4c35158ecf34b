import { correlation } from "../../base/numbers/correlation.js";
import type { RoutingCandidate, ScorePart, ScoreParts } from "./scoring.js";
import type { Strategy } from "./strategies.js";

type Weights = Strategy["weights"];

/** Parts that go by what agents say of themselves: whether they tell anything of success is to be learned. */
const CLAIMS = ["persona", "capability"] as const satisfies readonly ScorePart[];
/** Parts that go by what agents have shown. */
const SHOWN = ["performance", "speed"] as const satisfies readonly ScorePart[];

/** Attempts of a candidate after which the first weights and what was learned count alike. */
const EVEN_ATTEMPTS = 3;
/** Two agents always lie on a line. */
const AGENTS_LEAST = 3;
/** The factor of a part that goes with success without exception: `npm run bench -- weights` loses least with it in both of its worlds. */
const GAIN = 20;

/**
 * Returns the weights of a strategy as the outcomes of these candidates at the type of task have taught them: a part of what agents claim counts by how far
 * it went with their success (its correlation, over the agents that have shown any), one of what they have shown by how much that is. The first weights
 * give way to these as attempts come in, and stay where nothing varied: a shrinkage estimate, whose evidence is the attempts' own, so it fades and is forgotten with them.
 */
export function learnedWeights(
  weights: Weights,
  candidates: readonly RoutingCandidate[],
  parts: readonly ScoreParts[],
): Weights {
  const shown = candidates.map(({ evidence: { pair } }) => pair.successes + pair.failures);
  const attempts = shown.reduce((sum, one) => sum + one, 0);
  const known = attempts / (attempts + EVEN_ATTEMPTS * candidates.length);
  const learned = new Map<ScorePart, number>(SHOWN.map((part) => [part, 1 + known]));
  if (shown.filter((one) => one > 0).length >= AGENTS_LEAST) {
    const success = candidates.map(({ evidence: { pair } }, at) => pair.successes / (shown[at] || 1));
    for (const part of CLAIMS) {
      const values = parts.map((own) => own[part]);
      const along = correlation(values, success, shown);
      if (along !== undefined) learned.set(part, 1 - known + known * GAIN * Math.max(0, along));
    }
  }
  return Object.fromEntries(
    Object.entries(weights).map(([part, weight]) => [part, weight * (learned.get(part as ScorePart) ?? 1)]),
  );
}
