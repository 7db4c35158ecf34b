import { createRequire } from "node:module";
import type { calcPrice } from "@pydantic/genai-prices";
import type { OwnPrices, PriceList, TokenCounts, TokenPrice } from "../../base/prices.js";

const MTOK = 1_000_000;

/** Providers that sell models of others under a name with a prefix, such as `us.anthropic.claude-sonnet-4-5`. */
const RESELLERS = ["aws", "openrouter"];

/** Prices of the published table under a person's own ones. The table is loaded when it is first asked. */
export class PublishedPrices implements PriceList {
  readonly #own: ReadonlyMap<string, OwnPrices[string]>;
  #calculate: typeof calcPrice | undefined;

  constructor(own: OwnPrices) {
    this.#own = new Map(Object.entries(own));
  }

  priceOf(model: string, tokens: TokenCounts, at: number): TokenPrice | undefined {
    const own = this.#own.get(model);
    if (own) {
      const cached = own.cached ?? own.input;
      const read = (tokens.input + tokens.cacheWrite) * own.input + tokens.cached * cached;
      return { input: read / MTOK, output: (tokens.output * own.output) / MTOK, source: "own_price" };
    }
    this.#calculate ??= (
      createRequire(import.meta.url)("@pydantic/genai-prices") as { calcPrice: typeof calcPrice }
    ).calcPrice;
    return listPrice(this.#calculate, { model, tokens, at });
  }
}

interface Priced {
  readonly model: string;
  readonly tokens: TokenCounts;
  readonly at: number;
}

function listPrice(calculate: typeof calcPrice, { model, tokens, at }: Priced): TokenPrice | undefined {
  // The table counts the tokens of the cache among those of the input; here each is counted once.
  const usage = {
    input_tokens: tokens.input + tokens.cached + tokens.cacheWrite,
    output_tokens: tokens.output,
    ...(tokens.cached > 0 && { cache_read_tokens: tokens.cached }),
    ...(tokens.cacheWrite > 0 && { cache_write_tokens: tokens.cacheWrite }),
  };
  for (const { id, providerId } of namesOf(model)) {
    const found = calculate(usage, id, { timestamp: new Date(at), ...(providerId && { providerId }) });
    if (found) return { input: found.input_price, output: found.output_price, source: "list_price" };
  }
  return undefined;
}

/** The names under which the table may know a model: `anthropic:claude-…`, `openai/gpt-…` and `claude-…[1m]` are in use too. */
function namesOf(model: string): { id: string; providerId?: string }[] {
  const bare = model.replace(/\[[^\]]*\]$/, "");
  const [, provider, own] = /^([\w.-]+)[:/](.+)$/.exec(bare) ?? [];
  return [
    { id: bare },
    ...(provider !== undefined && own !== undefined ? [{ id: own, providerId: provider.toLowerCase() }] : []),
    ...RESELLERS.map((providerId) => ({ id: bare, providerId })),
  ];
}
