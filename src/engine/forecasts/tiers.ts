import type { UnitPrice } from "./pricing.js";

/** Tiers of models, by what they cost. */
export const MODEL_TIERS = ["light", "standard", "frontier"] as const;
export type ModelTier = (typeof MODEL_TIERS)[number];

/** In US dollars for a million tokens, three of input to one of output: from here on a model is of the tier. */
const STANDARD_FROM = 2.5;
const FRONTIER_FROM = 8;

export function tierOf({ input, output }: UnitPrice): ModelTier {
  const blended = ((3 * input + output) / 4) * 1_000_000;
  if (blended >= FRONTIER_FROM) return "frontier";
  return blended >= STANDARD_FROM ? "standard" : "light";
}

/** A model of each tier, named where nothing is known of those in use. */
export const TIER_MODELS = {
  light: "claude-haiku-4-5",
  standard: "claude-sonnet-4-5",
  frontier: "claude-opus-4-1",
} as const satisfies Record<ModelTier, string>;
