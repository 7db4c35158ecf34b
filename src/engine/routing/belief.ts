import { type Belief, narrowed, updated } from "../../base/numbers/log-normal.js";

// Beliefs of how likely a task succeeds and how long it takes, from sums over ended attempts. The sums fade with age; what a narrow
// group (an agent at a type of task) has not shown yet, the wider ones say: the agent, then the type, then the prior.

/** Sums over ended attempts, each weighing less the older it is. */
export interface Evidence {
  /** A success of half the quality adds one half to each of both. */
  readonly successes: number;
  readonly failures: number;
  /** The weight of the durations that the sums of logarithms (of milliseconds) are over. */
  readonly durations: number;
  readonly logSum: number;
  readonly logSquares: number;
}

export const NO_EVIDENCE: Evidence = { successes: 0, failures: 0, durations: 0, logSum: 0, logSquares: 0 };

export interface Observation {
  /** From 0, a failure, to 1; between them where a review or feedback judges the quality. Without it only the duration counts. */
  readonly success?: number;
  /** How many attempts its success counts for: 1 by default. */
  readonly weight?: number;
  readonly durationMs?: number;
}

/** Returns the evidence as it weighs after a time: half of it after the half-life. Without one it does not fade. */
export function decayed(evidence: Evidence, ageMs: number, halfLifeMs: number | null): Evidence {
  if (ageMs <= 0 || halfLifeMs === null) return evidence;
  const share = 2 ** (-ageMs / halfLifeMs);
  return {
    successes: evidence.successes * share,
    failures: evidence.failures * share,
    durations: evidence.durations * share,
    logSum: evidence.logSum * share,
    logSquares: evidence.logSquares * share,
  };
}

/** Returns the evidence with one more observation. A duration under a millisecond counts as one. */
export function added(evidence: Evidence, { success, weight = 1, durationMs }: Observation): Evidence {
  const log = durationMs === undefined ? 0 : Math.log(Math.max(1, durationMs));
  return {
    successes: evidence.successes + (success === undefined ? 0 : weight * success),
    failures: evidence.failures + (success === undefined ? 0 : weight * (1 - success)),
    durations: evidence.durations + (durationMs === undefined ? 0 : 1),
    logSum: evidence.logSum + log,
    logSquares: evidence.logSquares + log ** 2,
  };
}

/** Outcomes that a judgement says as much as: its variance is a fraction of theirs. */
export const JUDGEMENT_ATTEMPTS = 4;

/**
 * Returns evidence in which judgements count for what they say. `judged` is the weight of those among the successes and failures, and
 * `quality` the sum of their qualities.
 */
export function judgedEvidence(sums: Evidence & { readonly judged: number; readonly quality: number }): Evidence {
  const { successes, failures, durations, logSum, logSquares, judged, quality } = sums;
  const more = JUDGEMENT_ATTEMPTS - 1;
  return {
    successes: successes + more * quality,
    failures: failures + more * Math.max(0, judged - quality),
    durations,
    logSum,
    logSquares,
  };
}

/** Evidence of an agent at a type of task, of the agent at all types, and of the type with all agents; each of the wider two has the pair's in it. */
export interface EvidenceLevels {
  readonly pair: Evidence;
  readonly agent: Evidence;
  readonly type: Evidence;
}

/** A Beta distribution of the probability of success. */
export interface SuccessBelief {
  readonly alpha: number;
  readonly beta: number;
}

/** Most tasks that agents take succeed; two attempts outweigh that. */
const PRIOR_SUCCESS: SuccessBelief = { alpha: 1.6, beta: 0.4 };
/** How many attempts at most the wider group counts for in the narrower one. */
const WIDER_ATTEMPTS = 4;

/** Returns what is believed of an agent's success at a type of task. */
export function successBelief({ pair, agent, type }: EvidenceLevels): SuccessBelief {
  return afterAttempts(passedOn(afterAttempts(passedOn(afterAttempts(PRIOR_SUCCESS, type)), agent)), pair);
}

function afterAttempts({ alpha, beta }: SuccessBelief, { successes, failures }: Evidence): SuccessBelief {
  return { alpha: alpha + successes, beta: beta + failures };
}

/** The belief that a group gives a narrower one: the same mean, from a few attempts only. */
function passedOn({ alpha, beta }: SuccessBelief): SuccessBelief {
  const share = Math.min(1, WIDER_ATTEMPTS / (alpha + beta));
  return { alpha: alpha * share, beta: beta * share };
}

/** A normal distribution of the logarithm of a duration in milliseconds: its median is exp(mu). */
export interface DurationBelief {
  readonly mu: number;
  readonly sigma: number;
  /** Attempts that mu rests on, or counts for. */
  readonly weight: number;
}

/** Ten minutes, or a few times more or less of it. */
const PRIOR_DURATION: Belief = { mean: Math.log(600_000), weight: 0.4, variance: 1.5, degrees: 4 };

/**
 * Returns what is believed of the duration of a task of a type with an agent. The type says more of a duration than the agent does, whose
 * tasks of other types may be of any size: the type corrects the agent here.
 */
export function durationBelief({ pair, agent, type }: EvidenceLevels): DurationBelief {
  let belief = PRIOR_DURATION;
  for (const [at, { durations: count, logSum: sum, logSquares: squares }] of [agent, type, pair].entries())
    belief = updated(at === 0 ? belief : narrowed(belief), { count, sum, squares });
  return { mu: belief.mean, sigma: Math.sqrt(belief.variance), weight: belief.weight };
}
