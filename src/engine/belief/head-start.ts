import { type Evidence, NO_EVIDENCE, successBelief } from "./belief.js";

// A head start: a waiting agent that asks for a task which has just become ready passes over it for a moment where an idle one is clearly
// better at its type, which then takes it. Who is better goes by the mean alone, so that all that ask agree and the best never gives way.

/** Attempts at a type of task, faded, from which on an agent is compared. One that has shown less is not passed over. */
const ATTEMPTS_LEAST = 3;
/** By how much likelier the other is to succeed. */
const CLEARLY = 0.05;

/** Whether an agent's evidence of a type of task says enough to compare it. */
function isTelling({ successes, failures }: Evidence): boolean {
  return successes + failures >= ATTEMPTS_LEAST;
}

/** Whether one agent is clearly likelier to succeed than another, by the evidence of both at the type of task. */
export function isClearlyBetter(one: Evidence, other: Evidence): boolean {
  return isTelling(one) && isTelling(other) && expectedSuccess(one) - expectedSuccess(other) > CLEARLY;
}

/** The likelihood, 0 to 1, that an agent succeeds, by its evidence at the type of task alone. */
export function expectedSuccess(pair: Evidence): number {
  const { alpha, beta } = successBelief({ pair, agent: NO_EVIDENCE, type: NO_EVIDENCE });
  return alpha / (alpha + beta);
}
