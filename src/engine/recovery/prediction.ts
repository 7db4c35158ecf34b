import { rounded } from "../../base/numbers/rounding.js";

/** Recorded facts of an agent that tell of a failure to come. */
export interface AgentFacts {
  /** Whether each of its latest attempts failed, the newest first. */
  readonly failed: readonly boolean[];
  /** Since the last sign of life of its process, and how often one comes; null for an agent without a process. */
  readonly silence: { readonly ms: number; readonly everyMs: number } | null;
  readonly running: number;
  readonly capacity: number;
  /** How long its running tasks take, over how long its tasks took. */
  readonly longest: { readonly ms: number; readonly typicalMs: number } | null;
}

export interface Prediction {
  /** That its current or next attempt fails. */
  readonly probability: number;
  /** The parts that stand out, in sentences. */
  readonly reasons: readonly string[];
}

/** How often attempts fail before anything is known, and how many observations that counts for. */
const PRIOR_RATE = 0.1;
const PRIOR_WEIGHT = 1;
/** Weight of each attempt as against the next newer one. */
const FADING = 0.75;
const PHI_SUSPECT = 8;
const DRIFT_FROM = 3;

/**
 * The suspicion that a process is gone: -log10 of the chance that a sign of life comes later still. N. Hayashibara et al., "The φ Accrual
 * Failure Detector" (2004), with the logistic approximation of the normal distribution, and half an interval as its deviation.
 */
export function phi(silenceMs: number, everyMs: number): number {
  const y = (silenceMs - everyMs) / (everyMs / 2);
  const e = Math.exp(-y * (1.5976 + 0.070566 * y * y));
  return -Math.log10(silenceMs > everyMs ? e / (1 + e) : 1 - 1 / (1 + e));
}

/** Combines signs that are taken to be independent: none of them happens with the product of their complements. */
export function predicted(facts: AgentFacts): Prediction {
  const signs = [ofErrors(facts), ofSilence(facts), ofDrift(facts), ofOverload(facts)];
  const none = signs.reduce((product, { chance }) => product * (1 - chance), 1);
  return {
    probability: rounded(1 - none),
    reasons: signs.flatMap(({ reason }) => reason ?? []),
  };
}

interface Sign {
  readonly chance: number;
  readonly reason?: string | undefined;
}

/** The share of failures, newer attempts weighing more. */
function ofErrors({ failed }: AgentFacts): Sign {
  let [weight, sum, each] = [PRIOR_WEIGHT, PRIOR_RATE * PRIOR_WEIGHT, 1];
  for (const one of failed) {
    weight += each;
    sum += one ? each : 0;
    each *= FADING;
  }
  const streak = failed.findIndex((one) => !one);
  const inARow = streak === -1 ? failed.length : streak;
  const count = failed.filter(Boolean).length;
  const row = inARow > 1 ? `, ${inARow} of them in a row` : "";
  return {
    chance: sum / weight,
    reason: count === 0 ? undefined : `${count} of its last ${failed.length} attempts failed${row}`,
  };
}

function ofSilence({ silence }: AgentFacts): Sign {
  if (silence === null) return { chance: 0 };
  const suspicion = Math.min(phi(silence.ms, silence.everyMs), 100);
  if (suspicion < 1) return { chance: 0 };
  const reason = `its process was last heard of ${silence.ms} ms ago, which is due every ${silence.everyMs} ms: phi ${suspicion.toFixed(1)}`;
  return { chance: Math.min(0.99, suspicion / PHI_SUSPECT), reason };
}

function ofDrift({ longest }: AgentFacts): Sign {
  const times = longest === null || longest.typicalMs === 0 ? 0 : longest.ms / longest.typicalMs;
  if (times < DRIFT_FROM) return { chance: 0 };
  return { chance: 0.3, reason: `a task of its takes ${times.toFixed(1)} times as long as its tasks took` };
}

function ofOverload({ running, capacity }: AgentFacts): Sign {
  if (running <= capacity) return { chance: 0 };
  return { chance: 0.2, reason: `it runs ${running} tasks and registered for ${capacity}` };
}
