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
  readonly success?: number | undefined;
  /** Whether a review or feedback said so: then it counts as quality too. */
  readonly judged?: boolean | undefined;
  readonly durationMs?: number | undefined;
}

/** Evidence, and the weight of the judgements in it with the sum of their qualities. */
export interface JudgedSums extends Evidence {
  readonly judged: number;
  readonly quality: number;
}

export const NO_SUMS: JudgedSums = { ...NO_EVIDENCE, judged: 0, quality: 0 };

/** Returns the sums with one more observation. A duration under a millisecond counts as one. */
export function added(evidence: JudgedSums, { success, judged, durationMs }: Observation): JudgedSums {
  const log = durationMs === undefined ? 0 : Math.log(Math.max(1, durationMs));
  return {
    judged: evidence.judged + (judged === true ? 1 : 0),
    quality: evidence.quality + (judged === true ? (success ?? 0) : 0),
    successes: evidence.successes + (success ?? 0),
    failures: evidence.failures + (success === undefined ? 0 : 1 - success),
    durations: evidence.durations + (durationMs === undefined ? 0 : 1),
    logSum: evidence.logSum + log,
    logSquares: evidence.logSquares + log ** 2,
  };
}

/** Outcomes that a judgement says as much as: its variance is a fraction of theirs. */
export const JUDGEMENT_ATTEMPTS = 4;

/** Returns evidence in which judgements count for what they say. */
export function judgedEvidence(sums: JudgedSums): Evidence {
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

/** Returns the evidence of sums that are stored, and none where there are none. */
export function asEvidence(stored: JudgedSums | undefined): Evidence {
  return stored === undefined ? NO_EVIDENCE : judgedEvidence(stored);
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

/** Ten minutes, or a few times more or less of it. */
const PRIOR_DURATION: Belief = { mean: Math.log(600_000), weight: 0.4, variance: 1.5, degrees: 4 };

/**
 * Returns what is believed of the logarithm of the duration, in milliseconds, of a task of a type with an agent. The type says more of a duration than the agent does, whose
 * tasks of other types may be of any size: the type corrects the agent here.
 */
export function durationBelief({ pair, agent, type }: EvidenceLevels): Belief {
  let belief = PRIOR_DURATION;
  for (const [at, { durations: count, logSum: sum, logSquares: squares }] of [agent, type, pair].entries())
    belief = updated(at === 0 ? belief : narrowed(belief), { count, sum, squares });
  return belief;
}
