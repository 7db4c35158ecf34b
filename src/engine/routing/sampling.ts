import type { SuccessBelief } from "../belief/belief.js";

/** A source of uniform numbers in [0, 1). */
export type Uniform = () => number;

/** Draws from a Beta distribution: the share of one of two gamma variates. */
export function sampledBeta({ alpha, beta }: SuccessBelief, uniform: Uniform): number {
  const one = sampledGamma(alpha, uniform);
  const sum = one + sampledGamma(beta, uniform);
  // Both are 0 where the shapes are so small that the variates underflow.
  return sum === 0 ? alpha / (alpha + beta) : one / sum;
}

/** Draws a standard normal: Box and Muller 1958. */
export function sampledNormal(uniform: Uniform): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Draws a gamma variate of a shape: Marsaglia and Tsang 2000, with their boost for shapes below 1. */
function sampledGamma(shape: number, uniform: Uniform): number {
  if (shape < 1) return sampledGamma(shape + 1, uniform) * (1 - uniform()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = sampledNormal(uniform);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
