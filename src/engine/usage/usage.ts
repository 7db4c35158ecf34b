import type { TokenCounts } from "../../base/prices.js";
import { BatonError } from "../../base/errors.js";
import { microsOf } from "../../base/money.js";
import { startOf } from "../../base/texts/stored-values.js";
import type { UsageRecord } from "../../store/usage/records.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

/** A report of the use of a model; the keys that are not read here are the reporter's own. */
export type Usage = Readonly<Record<string, unknown>>;

/** The highest cost of one report, in US dollars, and the most tokens of one kind. */
export const COST_MAX = 1_000_000;
export const TOKENS_MAX = 1_000_000_000_000;

export type PricedUsage = Pick<
  UsageRecord,
  "model" | "inputTokens" | "outputTokens" | "cachedTokens" | "cacheWriteTokens" | "cost" | "price"
>;

// The keys of this program, and those that providers give in their answers. Theirs for the whole input (`prompt_tokens`) has the cached
// ones in it, this program's has not.
const KEYS = {
  input: ["input_tokens"],
  output: ["output_tokens", "completion_tokens"],
  cached: ["cached_tokens", "cache_read_tokens", "cache_read_input_tokens"],
  cacheWrite: ["cache_write_tokens", "cache_creation_input_tokens"],
  prompt: ["prompt_tokens"],
} as const;

/**
 * Reads a report and prices it, unless it names its cost; undefined where it says nothing of a model's use. A model without a known
 * price costs nothing, and its record says that. Errors: `invalid_input` for an amount that is none.
 */
export function pricedUsage(
  ctx: Pick<EngineContext, "now" | "prices">,
  usage: Usage | undefined,
): PricedUsage | undefined {
  if (usage === undefined) return undefined;
  const cost = amountAt(usage, "cost", COST_MAX);
  const tokens = tokensOf(usage);
  if (cost === undefined && tokens === undefined) return undefined;
  const { model: named } = usage;
  const model = typeof named === "string" && named !== "" ? startOf(named, MODEL_CHARS_MAX) : null;
  const { input, output, cached, cacheWrite } = tokens ?? NO_TOKENS;
  const counts = { inputTokens: input, outputTokens: output, cachedTokens: cached, cacheWriteTokens: cacheWrite };
  if (cost !== undefined) return { model, ...counts, cost: microsOf(cost), price: "given" };
  const price = model === null ? undefined : ctx.prices?.priceOf(model, { input, output, cached, cacheWrite }, ctx.now);
  if (price === undefined) return { model, ...counts, cost: 0, price: "unknown" };
  return { model, ...counts, cost: microsOf(price.input + price.output), price: price.source };
}

const MODEL_CHARS_MAX = 200;
const NO_TOKENS: TokenCounts = { input: 0, output: 0, cached: 0, cacheWrite: 0 };

/** Loads the published prices before a transaction, which would hold up others meanwhile. */
// oxlint-disable-next-line require-yield -- it reads no database
export function* loadPrices(ctx: EngineContext, usage: Usage): Tx<undefined> {
  pricedUsage(ctx, usage);
  return undefined;
}

/** Whether a price has to be looked up for a report. */
export function needsPrice(usage: Usage | undefined): boolean {
  return usage !== undefined && usage["cost"] === undefined && typeof usage["model"] === "string";
}

const OWN_KEYS = new Set(["input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens"]);
const FOREIGN_KEYS: ReadonlySet<string> = new Set(
  Object.values(KEYS)
    .flat()
    .filter((key) => !OWN_KEYS.has(key)),
);

/** A report with its counts under this program's own keys alone. Errors: `invalid_input` for an amount that is none. */
export function withOwnCounts(report: Usage): Usage {
  const tokens = Object.keys(report).some((key) => FOREIGN_KEYS.has(key)) ? tokensOf(report) : undefined;
  if (tokens === undefined) return report;
  const { input, output, cached, cacheWrite } = tokens;
  const rest = Object.entries(report).filter(([key]) => !FOREIGN_KEYS.has(key));
  const counts = { input_tokens: input, output_tokens: output, cached_tokens: cached, cache_write_tokens: cacheWrite };
  return { ...Object.fromEntries(rest), ...counts };
}

/** The counts of a report; undefined where it has none. */
function tokensOf(usage: Usage): TokenCounts | undefined {
  const [input, output, cached, cacheWrite, prompt] = [
    KEYS.input,
    KEYS.output,
    KEYS.cached,
    KEYS.cacheWrite,
    KEYS.prompt,
  ].map((keys) => tokensAt(usage, keys));
  if ([input, output, cached, cacheWrite, prompt].every((count) => count === undefined)) return undefined;
  const uncached = input ?? Math.max(0, (prompt ?? 0) - (cached ?? 0) - (cacheWrite ?? 0));
  return { input: uncached, output: output ?? 0, cached: cached ?? 0, cacheWrite: cacheWrite ?? 0 };
}

function tokensAt(usage: Usage, keys: readonly string[]): number | undefined {
  const key = keys.find((one) => usage[one] !== undefined && usage[one] !== null);
  const count = key === undefined ? undefined : amountAt(usage, key, TOKENS_MAX);
  return count === undefined ? undefined : Math.round(count);
}

function amountAt(usage: Usage, key: string, max: number): number | undefined {
  const amount = usage[key];
  if (amount === undefined) return undefined;
  if (typeof amount === "number" && amount >= 0 && amount <= max) return amount;
  const kind = key === "cost" ? "number of US dollars" : "number of tokens";
  throw new BatonError(
    "invalid_input",
    `usage.${key} is ${startOf(JSON.stringify(amount), 100)}, and must be a ${kind} from 0 to ${max}. Nothing was changed.`,
    { details: { path: `usage.${key}` } },
  );
}
