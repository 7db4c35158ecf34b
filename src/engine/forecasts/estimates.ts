import { judged, type Judgement, type PastTask } from "./back-off.js";
import { mostUsed, type PastWork } from "./history.js";
import type { Belief } from "../../base/numbers/log-normal.js";
import type { Amount, Pricing, UnitPrice } from "./pricing.js";
import { priorFor, type Size, tokensOfSize } from "./prior.js";
import { type AmountRange, intervalOf } from "./sums.js";
import { type ModelTier, TIER_MODELS, tierOf } from "./tiers.js";

/** A task that is to be done. */
export interface Work extends Size {
  readonly role: string | null;
  readonly type?: string | undefined;
  /** Default: the model that the role has used most, then the one that all have. */
  readonly model?: string | undefined;
}

/** Tokens and cost that a task will have. Costs are US dollars, and undefined where the price of the model is not known. */
export interface Estimate {
  readonly model: string | null;
  /** Whether the model was named, is that of past tasks, or is taken because there are none. */
  readonly modelFrom: "given" | "history" | "default";
  /** The model that its role has used, where that has no known price and another was taken. */
  readonly unpriced?: string | undefined;
  readonly tier: ModelTier | undefined;
  readonly price: UnitPrice["source"] | "reported" | "unknown";
  readonly tokens: { readonly input: number; readonly output: number };
  readonly cost: (AmountRange & { readonly input: number; readonly output: number }) | undefined;
  readonly judgement: Judgement;
}

/** Estimates tasks by the past ones. */
export class Estimator {
  readonly #past: readonly PastWork[];
  readonly #pricing: Pricing;
  readonly #amounts = new Map<string | null, readonly Priced[]>();

  constructor(past: readonly PastWork[], pricing: Pricing) {
    this.#past = past;
    this.#pricing = pricing;
  }

  estimate(work: Work): Estimate {
    const { model, modelFrom, unpriced } = this.#modelOf(work);
    const asked = { role: work.role, type: work.type, model };
    const unit = this.#pricing.unit(model);
    const tokens = this.#tokens(work, asked);
    const amounts = this.#amountsWith(model);
    const bySize = priceOf(tokensOfSize(work), unit ?? this.#pricing.unit(TIER_MODELS.standard));
    const judgement = atLeast(judged(amounts, asked, priorFor(bySize > 0 ? bySize : COST_OF_NOTHING)), {
      shortBy: unit === undefined ? 0 : tokens.shortBy * unit.input,
    });
    const isFree = unit !== undefined && unit.input === 0 && unit.output === 0;
    const isKnown = unit !== undefined || amounts.length > 0;
    const interval = isFree ? FREE : intervalOf(judgement.belief);
    const share = inputShare(amounts, asked, { tokens, unit });
    return {
      model,
      modelFrom,
      unpriced,
      tier: unit && tierOf(unit),
      price: unit?.source ?? (isKnown ? "reported" : "unknown"),
      tokens: { input: Math.round(tokens.input), output: Math.round(tokens.output) },
      cost: isKnown
        ? { ...interval, input: interval.typical * share, output: interval.typical * (1 - share) }
        : undefined,
      judgement,
    };
  }

  /** Costs of past tasks, as they would have been with this model. */
  #amountsWith(model: string | null): readonly Priced[] {
    const known = this.#amounts.get(model);
    if (known) return known;
    const amounts = this.#past.flatMap((one) => {
      const amount = this.#pricing.amountWith(model, one.usages);
      return amount === undefined || amount.cost <= 0
        ? []
        : [{ role: one.role, type: one.type, model: one.model, ...amount, amount: amount.cost }];
    });
    this.#amounts.set(model, amounts);
    return amounts;
  }

  #modelOf({ role, model }: Work): Pick<Estimate, "model" | "modelFrom" | "unpriced"> {
    if (model !== undefined) return { model, modelFrom: "given" };
    // A model without a known price says nothing of what others will cost.
    const priced = this.#past.filter((one) => this.#hasCost(one));
    const ofRole = priced.filter((one) => one.role === role);
    const known = mostUsed(ofRole) ?? (ofRole.length > 0 ? null : mostUsed(priced));
    const unpriced =
      ofRole.length > 0 ? undefined : (mostUsed(this.#past.filter((one) => one.role === role)) ?? undefined);
    if (known !== null || ofRole.length > 0) return { model: known, modelFrom: "history", unpriced };
    return { model: TIER_MODELS.standard, modelFrom: "default", unpriced };
  }

  #hasCost({ model, usages }: PastWork): boolean {
    return this.#pricing.unit(model) !== undefined || usages.some(({ cost }) => cost > 0);
  }

  /** The tokens that such a task mostly uses. A prompt that is read so often is read at least: it may be longer than those before. */
  #tokens(work: Work, asked: Asked) {
    const prior = tokensOfSize(work);
    const typical = (of: (usage: PastWork["usages"][number]) => number, expected: number) => {
      const past = this.#past.flatMap((one) => {
        const amount = one.usages.reduce((sum, usage) => sum + of(usage), 0);
        return amount > 0 ? [{ ...one, amount }] : [];
      });
      return Math.exp(judged(past, asked, priorFor(expected)).belief.mean);
    };
    const input = typical((usage) => usage.inputTokens + usage.cachedTokens + usage.cacheWriteTokens, prior.input);
    const output = typical((usage) => usage.outputTokens, prior.output);
    const least = work.prompt_tokens === undefined ? 0 : work.prompt_tokens * (work.iterations ?? 1);
    return { input: Math.max(input, least), output, shortBy: Math.max(0, least - input) };
  }
}

type Asked = Parameters<typeof judged>[1];
type Priced = PastTask & Amount;

const FREE: AmountRange = { typical: 0, low: 0, high: 0 };
/** For a prior where no price is known at all. */
const COST_OF_NOTHING = 0.1;

function priceOf(tokens: { input: number; output: number }, unit: UnitPrice | undefined): number {
  return unit === undefined ? 0 : tokens.input * unit.input + tokens.output * unit.output;
}

/** Moves what is believed up by the cost of tokens that past tasks did not have. */
function atLeast(judgement: Judgement, { shortBy }: { shortBy: number }): Judgement {
  if (shortBy <= 0) return judgement;
  const belief: Belief = { ...judgement.belief, mean: Math.log(Math.exp(judgement.belief.mean) + shortBy) };
  return { ...judgement, belief };
}

interface Typical {
  readonly tokens: { readonly input: number; readonly output: number };
  readonly unit: UnitPrice | undefined;
}

/** The share of tokens of input in the cost: as in past tasks of the role, or of all; else by the typical tokens. */
function inputShare(past: readonly Priced[], { role }: Asked, { tokens, unit }: Typical): number {
  const known = past.filter(({ input }) => input !== undefined);
  const ofRole = known.filter((one) => one.role === role);
  const chosen = ofRole.length > 0 ? ofRole : known;
  const cost = chosen.reduce((sum, one) => sum + one.cost, 0);
  if (cost > 0) return chosen.reduce((sum, one) => sum + (one.input ?? 0), 0) / cost;
  const [input, output] = [tokens.input * (unit?.input ?? 1), tokens.output * (unit?.output ?? 4)];
  return input + output === 0 ? 0 : input / (input + output);
}
