// A positive amount whose logarithm is normal, with unknown mean and variance. What is believed of both is the normal-inverse-χ²
// distribution, which observations update in closed form: Gelman et al., Bayesian Data Analysis (3rd ed.), section 3.3. The next
// amount is then a Student's t in logarithms: few observations make it wide.

/** A belief of the logarithm of an amount. */
export interface Belief {
  readonly mean: number;
  /** Observations that the mean rests on, or counts for. */
  readonly weight: number;
  readonly variance: number;
  /** Observations that the variance rests on, or counts for. */
  readonly degrees: number;
}

/** Sums over observed amounts, which may count for less than one each. */
export interface LogSums {
  readonly count: number;
  readonly sum: number;
  readonly squares: number;
}

/** Returns the sums over amounts, which are positive. */
export function logSumsOf(amounts: readonly number[]): LogSums {
  const logs = amounts.map(Math.log);
  return {
    count: logs.length,
    sum: logs.reduce((sum, log) => sum + log, 0),
    squares: logs.reduce((sum, log) => sum + log ** 2, 0),
  };
}

/** Returns the belief after observations. */
export function updated(prior: Belief, { count, sum, squares }: LogSums): Belief {
  if (count === 0) return prior;
  const average = sum / count;
  const around = Math.max(0, squares - sum * average);
  const weight = prior.weight + count;
  const degrees = prior.degrees + count;
  const apart = ((prior.weight * count) / weight) * (average - prior.mean) ** 2;
  return {
    mean: (prior.weight * prior.mean + sum) / weight,
    weight,
    degrees,
    variance: (prior.degrees * prior.variance + around + apart) / degrees,
  };
}

/** The part of the variance within a group that is a difference between the narrower groups in it. */
const BETWEEN = 0.25;
/** How many observations of its own the variance of a wider group counts for in a narrower one, at most. */
const WIDER_DEGREES = 8;

/**
 * Returns the belief that a group gives a narrower one within it, before that one's own observations: its mean is another by a part of
 * the variance, and it varies by the rest, so that together they are as uncertain as the wider group.
 */
export function narrowed({ mean, weight, variance, degrees }: Belief): Belief {
  const within = variance * (1 - BETWEEN);
  return {
    mean,
    weight: within / (variance / weight + variance * BETWEEN),
    variance: within,
    degrees: Math.min(degrees, WIDER_DEGREES),
  };
}

/** The next amount that is exceeded with a probability of `1 - share`. */
export function quantile({ mean, weight, variance, degrees }: Belief, share: number): number {
  return Math.exp(mean + Math.sqrt(variance * (1 + 1 / weight)) * studentQuantile(share, degrees));
}

/** Quantile of Student's t: the Cornish-Fisher expansion, exact to three digits from 3 degrees of freedom on. */
function studentQuantile(share: number, degrees: number): number {
  const z = normalQuantile(share);
  const [z3, z5, z7] = [z ** 3, z ** 5, z ** 7];
  return (
    z +
    (z3 + z) / (4 * degrees) +
    (5 * z5 + 16 * z3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * degrees ** 3)
  );
}

/** Quantile of the normal distribution, to 4.5e-4: Abramowitz and Stegun, 26.2.23. */
function normalQuantile(share: number): number {
  const tail = Math.min(share, 1 - share);
  const t = Math.sqrt(-2 * Math.log(tail));
  const above =
    t - (2.515517 + 0.802853 * t + 0.010328 * t ** 2) / (1 + 1.432788 * t + 0.189269 * t ** 2 + 0.001308 * t ** 3);
  return share < 0.5 ? -above : above;
}
