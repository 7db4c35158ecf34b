import { mulberry32 } from "../../base/numbers/mulberry32.js";
import type { Judgement } from "./back-off.js";
import { type Belief, quantile } from "../../base/numbers/log-normal.js";

// The sum of many log-normal amounts whose parameters are uncertain. Each round draws the parameters of each group from what is
// believed of them, so that an error in them makes all of the group's amounts dear or cheap together, and those of groups that share
// a wider one in part; the sum of a group's amounts is then drawn at once, from the log-normal with its mean and variance (Fenton 1960,
// Wilkinson). So the work does not grow with the number of amounts. The seed is fixed: the same question has the same answer.

/** Amounts of which the same is believed. */
export interface Group extends Pick<Judgement, "belief" | "path"> {
  readonly count: number;
}

export interface AmountRange {
  /** The median. */
  readonly typical: number;
  /** Between these it lies with a probability of 80 %. */
  readonly low: number;
  readonly high: number;
}

export const LOW = 0.1;
export const HIGH = 0.9;

const SEED = 20_261_129;
const ROUNDS_MAX = 1_000;
const ROUNDS_MIN = 200;
/** Groups drawn, in all rounds. */
const DRAWS_MAX = 100_000;
/** Above it, the mean of a log-normal amount is so many times its median that it says nothing. */
const VARIANCE_MAX = 3;

/** Returns how much the amounts of all groups come to. */
export function sumOf(groups: readonly Group[]): AmountRange {
  const [first] = groups;
  if (first === undefined) return { typical: 0, low: 0, high: 0 };
  if (groups.length === 1 && first.count === 1) return intervalOf(first.belief);
  const draw = new Draws(SEED);
  const errors = new SharedErrors(groups);
  const rounds = Math.max(ROUNDS_MIN, Math.min(ROUNDS_MAX, Math.floor(DRAWS_MAX / groups.length)));
  const totals = Array.from({ length: rounds }, () => {
    errors.draw(draw);
    return groups.reduce((total, group, at) => total + groupSum(draw, group, errors.of(at)), 0);
  }).sort((a, b) => a - b);
  const at = (share: number) => totals[Math.floor(share * rounds)] ?? 0;
  return { typical: at(0.5), low: at(LOW), high: at(HIGH) };
}

/** Returns how much one amount is. */
export function intervalOf(belief: Belief): AmountRange {
  return { typical: Math.exp(belief.mean), low: quantile(belief, LOW), high: quantile(belief, HIGH) };
}

function groupSum(draw: Draws, { belief: { mean, variance, degrees }, count }: Group, error: number): number {
  const drawn = Math.min(VARIANCE_MAX, (degrees * variance) / draw.chiSquare(degrees));
  const logVariance = Math.log(1 + (Math.exp(drawn) - 1) / count);
  // The error of a mean grows with the deviation that was drawn.
  const centre = mean + error * Math.sqrt(drawn / variance);
  const logMean = centre + drawn / 2 + Math.log(count) - logVariance / 2;
  return Math.exp(logMean + Math.sqrt(logVariance) * draw.normal());
}

/** Errors in the means of groups: each is in part that of the wider group. */
class SharedErrors {
  readonly #paths: readonly (readonly { at: number; inherits: number; own: number }[])[];
  readonly #drawn: Float64Array;

  constructor(groups: readonly Group[]) {
    const places = new Map<string, number>();
    this.#paths = groups.map(({ path }) =>
      path.map(({ group, inherits, own }) => {
        const at = places.get(group) ?? places.size;
        places.set(group, at);
        return { at, inherits, own };
      }),
    );
    this.#drawn = new Float64Array(places.size);
  }

  draw(draw: Draws): void {
    for (let at = 0; at < this.#drawn.length; at++) this.#drawn[at] = draw.normal();
  }

  of(group: number): number {
    const path = this.#paths[group] ?? [];
    return path.reduce((error, { at, inherits, own }) => error * inherits + own * (this.#drawn[at] ?? 0), 0);
  }
}

/** Draws from distributions. */
class Draws {
  readonly #uniform: () => number;

  constructor(seed: number) {
    this.#uniform = mulberry32(seed);
  }

  /** Box and Muller. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.#uniform()));
    return radius * Math.cos(2 * Math.PI * this.#uniform());
  }

  /** Twice a gamma variate of half as many degrees, at least one: Marsaglia and Tsang (2000). */
  chiSquare(degrees: number): number {
    const d = degrees / 2 - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - this.#uniform()) < 0.5 * x ** 2 + d - d * v + d * Math.log(v)) return 2 * d * v;
    }
  }
}
