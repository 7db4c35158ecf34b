/** Tokens of model calls, each counted in one of the four. */
export interface TokenCounts {
  /** Read by the model and not from its cache. */
  readonly input: number;
  readonly output: number;
  /** Read from the cache. */
  readonly cached: number;
  /** Read and written to the cache. */
  readonly cacheWrite: number;
}

/** Cost of tokens of a model, in US dollars; `input` has the cached ones in it. */
export interface TokenPrice {
  readonly input: number;
  readonly output: number;
  readonly source: "own_price" | "list_price";
}

/** Prices of models. */
export interface PriceList {
  /** Returns what the tokens cost at an instant; undefined for a model whose price is not known. */
  priceOf(model: string, tokens: TokenCounts, at: number): TokenPrice | undefined;
}

/** Own prices by model, in US dollars for a million tokens. */
export type OwnPrices = Readonly<Record<string, OwnPrice>>;

export interface OwnPrice {
  readonly input: number;
  readonly output: number;
  /** Default: that of input. */
  readonly cached?: number | undefined;
}
