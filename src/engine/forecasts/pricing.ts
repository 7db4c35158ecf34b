import type { PriceList, TokenCounts } from "../../base/prices.js";
import { dollarsOf } from "../../base/money.js";
import type { PastUsage } from "../../store/usage/history.js";
import type { EngineContext } from "../context.js";

/** Price of one token of each kind, in US dollars. */
export interface UnitPrice extends Readonly<Record<keyof TokenCounts, number>> {
  readonly source: "own_price" | "list_price";
}

/** The cost that a task had, or would have had, in US dollars. */
export interface Amount {
  readonly cost: number;
  /** The part of it that tokens of input cost; undefined where no tokens are known. */
  readonly input: number | undefined;
}

// Some prices rise with the length of a prompt: those of a short one are taken.
const TOKENS_ASKED = 1_000;

/** Prices of models at an instant. */
export class Pricing {
  readonly #prices: PriceList | undefined;
  readonly #at: number;
  readonly #units = new Map<string, UnitPrice | undefined>();

  constructor({ prices, now }: Pick<EngineContext, "prices" | "now">) {
    this.#prices = prices;
    this.#at = now;
  }

  /** Returns the prices of a model; undefined where they are not known. */
  unit(model: string | null): UnitPrice | undefined {
    if (model === null) return undefined;
    if (!this.#units.has(model)) this.#units.set(model, this.#read(model));
    return this.#units.get(model);
  }

  #read(model: string): UnitPrice | undefined {
    const none: TokenCounts = { input: 0, output: 0, cached: 0, cacheWrite: 0 };
    const priced = (tokens: Partial<TokenCounts>) => this.#prices?.priceOf(model, { ...none, ...tokens }, this.#at);
    const input = priced({ input: TOKENS_ASKED });
    if (input === undefined) return undefined;
    return {
      input: input.input / TOKENS_ASKED,
      output: (priced({ output: TOKENS_ASKED })?.output ?? 0) / TOKENS_ASKED,
      cached: (priced({ cached: TOKENS_ASKED })?.input ?? 0) / TOKENS_ASKED,
      cacheWrite: (priced({ cacheWrite: TOKENS_ASKED })?.input ?? 0) / TOKENS_ASKED,
      source: input.source,
    };
  }

  /**
   * Returns what the use of models for a task would have cost with this one; undefined where that is not known. A reported cost of the
   * same model, or of none, counts as it is.
   */
  amountWith(model: string | null, usages: readonly PastUsage[]): Amount | undefined {
    const amounts = usages.map((usage) => this.#amountOf(model, usage));
    if (amounts.some((amount) => amount === undefined)) return undefined;
    const cost = amounts.reduce((sum, amount) => sum + (amount?.cost ?? 0), 0);
    const known = amounts.every((amount) => amount?.input !== undefined);
    return { cost, input: known ? amounts.reduce((sum, amount) => sum + (amount?.input ?? 0), 0) : undefined };
  }

  #amountOf(model: string | null, usage: PastUsage): Amount | undefined {
    const { inputTokens, outputTokens, cachedTokens, cacheWriteTokens } = usage;
    const unit = this.unit(model);
    const hasTokens = inputTokens + outputTokens + cachedTokens + cacheWriteTokens > 0;
    const isItsOwn = usage.model === model || usage.model === null;
    const reported = dollarsOf(usage.cost);
    if (unit === undefined || !hasTokens)
      return isItsOwn && reported > 0 ? { cost: reported, input: undefined } : undefined;
    const input = inputTokens * unit.input + cachedTokens * unit.cached + cacheWriteTokens * unit.cacheWrite;
    const cost = input + outputTokens * unit.output;
    if (!isItsOwn || usage.price !== "given" || reported === 0) return { cost, input };
    return { cost: reported, input: cost === 0 ? undefined : (input / cost) * reported };
  }
}
