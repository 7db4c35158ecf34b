import type { TokenCounts } from "../../base/prices.js";
import type { Belief } from "../../base/numbers/log-normal.js";

/** Tokens of a prompt whose size is not known, calls of the model that a task takes, and tokens that a call writes. */
const PROMPT_TOKENS = 2_000;
const ITERATIONS = 3;
const OUTPUT_PER_CALL = 800;

/** Costs are several times what the size of a prompt says, or a part of it; they vary around that as costs of tasks do. */
const SPREAD = 1;
const WEIGHT = 0.4;
const DEGREES = 4;

export interface Size {
  readonly prompt_tokens?: number | undefined;
  readonly iterations?: number | undefined;
}

/** The tokens that a task of a size uses: each call of the model reads the prompt and what the calls before have written. */
export function tokensOfSize({ prompt_tokens = PROMPT_TOKENS, iterations = ITERATIONS }: Size): TokenCounts {
  const written = (OUTPUT_PER_CALL * iterations * (iterations - 1)) / 2;
  return {
    input: iterations * prompt_tokens + written,
    output: iterations * OUTPUT_PER_CALL,
    cached: 0,
    cacheWrite: 0,
  };
}

/** Returns the belief of a cost without any past task, where the tokens of its size cost so much. */
export function priorFor(cost: number): Belief {
  return { mean: Math.log(cost), weight: WEIGHT, variance: SPREAD ** 2, degrees: DEGREES };
}
