import { describe, expect, test } from "vitest";
import { PublishedPrices } from "../../../src/runtime/models/price-list.js";
import type { TokenCounts } from "../../../src/base/prices.js";
import { pricedUsage, type Usage } from "../../../src/engine/usage/usage.js";

const AT = Date.UTC(2026, 0, 31);
const MTOK = 1_000_000;
const NONE: TokenCounts = { input: 0, output: 0, cached: 0, cacheWrite: 0 };

/** The price of so many tokens of claude-sonnet-4-5: its list price is 3 US$ in, 15 out, 0.3 cached, 3.75 written to the cache. */
function priceOf(
  tokens: Partial<TokenCounts>,
  model = "claude-sonnet-4-5",
): { input: number; output: number } | undefined {
  return new PublishedPrices({}).priceOf(model, { ...NONE, ...tokens }, AT);
}

describe("published prices", () => {
  test("count each token once: cached tokens are not paid as input too", () => {
    expect(priceOf({ input: 100_000 })?.input).toBeCloseTo(0.3, 6);
    expect(priceOf({ output: 100_000 })?.output).toBeCloseTo(1.5, 6);
    expect(priceOf({ cached: 100_000 })?.input).toBeCloseTo(0.03, 6);
    expect(priceOf({ cacheWrite: 100_000 })?.input).toBeCloseTo(0.375, 6);
    const all = priceOf({ input: 40_000, cached: 30_000, cacheWrite: 20_000, output: 10_000 });
    expect(all).toMatchObject({ source: "list_price" });
    expect(all?.input).toBeCloseTo(0.12 + 0.009 + 0.075, 6);
    expect(all?.output).toBeCloseTo(0.15, 6);
  });

  test.each([
    "anthropic:claude-sonnet-4-5",
    "anthropic/claude-sonnet-4-5",
    "claude-sonnet-4-5[1m]",
    "claude-sonnet-4-5-20250929",
  ])("know %s, as clients and gateways write it", (model) => {
    expect(priceOf({ output: MTOK / 10 }, model)?.output).toBeCloseTo(1.5, 6);
  });

  test("know no price of an unknown model", () => {
    expect(priceOf({ input: 1 }, "nonesuch")).toBeUndefined();
    expect(priceOf({ input: 1 }, "toString")).toBeUndefined();
  });
});

describe("own prices", () => {
  const own = new PublishedPrices({ mine: { input: 2, output: 8, cached: 0.5 }, "gpt-5": { input: 1, output: 1 } });

  test("come before the published ones, and price cached tokens as input where they name no other", () => {
    expect(own.priceOf("mine", { input: MTOK, output: MTOK, cached: MTOK, cacheWrite: MTOK }, AT)).toEqual({
      input: 4.5,
      output: 8,
      source: "own_price",
    });
    expect(own.priceOf("gpt-5", { ...NONE, input: MTOK, cached: MTOK }, AT)).toEqual({
      input: 2,
      output: 0,
      source: "own_price",
    });
  });
});

describe("a report of usage", () => {
  const ctx = { now: AT, prices: new PublishedPrices({ mine: { input: 1, output: 2 } }) };
  const read = (usage: Usage) => pricedUsage(ctx, usage);

  test("is priced by its model where it names no cost", () => {
    expect(read({ model: "mine", input_tokens: 1_000, output_tokens: 500 })).toEqual({
      model: "mine",
      inputTokens: 1_000,
      outputTokens: 500,
      cachedTokens: 0,
      cacheWriteTokens: 0,
      cost: 2_000,
      price: "own_price",
    });
    expect(read({ model: "mine", input_tokens: 1_000, cost: 0.5 })).toMatchObject({ cost: 500_000, price: "given" });
    expect(read({ model: "nonesuch", input_tokens: 1_000 })).toMatchObject({ cost: 0, price: "unknown" });
    expect(read({ input_tokens: 1_000 })).toMatchObject({ model: null, price: "unknown" });
  });

  test("takes the keys of providers, whose prompt_tokens have the cached ones in them", () => {
    expect(read({ model: "mine", prompt_tokens: 1_000, completion_tokens: 5, cached_tokens: 400 })).toMatchObject({
      inputTokens: 600,
      outputTokens: 5,
      cachedTokens: 400,
    });
    const anthropic = { input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 30 };
    expect(read({ model: "mine", ...anthropic })).toMatchObject({
      inputTokens: 10,
      cachedTokens: 20,
      cacheWriteTokens: 30,
    });
  });

  test("without tokens and cost says nothing of a model's use", () => {
    expect(read({ seconds: 12, model: "mine" })).toBeUndefined();
  });

  test.each([
    [{ cost: -1 }, "usage.cost is -1"],
    [{ cost: "2" }, 'usage.cost is "2"'],
    [{ input_tokens: -5 }, "usage.input_tokens is -5"],
    [{ output_tokens: "many" }, 'usage.output_tokens is "many"'],
    [{ cached_tokens: 1e13 }, "usage.cached_tokens"],
  ])("is refused with %j", (usage, message) => {
    expect(() => read(usage)).toThrow(message);
  });
});
