import { flag, int, intOrNull, oneOf, text, textOrNull } from "../rows.js";
import { insertInto, insertRows, named, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

/** Where the cost of a record comes from; `unknown`: its model has no known price, and it counts as nothing. */
export const PRICE_SOURCES = ["given", "own_price", "list_price", "unknown"] as const;

export const USAGE = table("usage_records", {
  id: text,
  project: textOrNull,
  run: textOrNull,
  task: textOrNull,
  /** The number of the attempt that ended with it. */
  attempt: intOrNull,
  agent: textOrNull,
  role: textOrNull,
  model: textOrNull,
  /** UTC, as 2026-01-31. */
  day: text,
  at: int,
  /** Each token is counted in one of the four. */
  inputTokens: int,
  outputTokens: int,
  cachedTokens: int,
  cacheWriteTokens: int,
  cost: named("cost_micros", int),
  price: oneOf(PRICE_SOURCES),
  /** Whether a client has exported it, and no agent reported it. */
  exported: flag,
});
/** Use of a model, with what it cost in millionths of a US dollar. */
export interface UsageRecord extends RowOf<typeof USAGE> {}

const INSERT = insertInto(USAGE);

export function insertUsage(records: readonly UsageRecord[]): Tx<void> {
  return insertRows(INSERT, records);
}
