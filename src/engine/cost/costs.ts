import { dollarsOf } from "../../base/money.js";
import { iso } from "../../base/time.js";
import { type CostFilter, type CostGroup, type CostRow, groupedCosts, totalCosts } from "../../store/usage/costs.js";

const GROUPS_MAX = 200;

/** Returns the costs, in groups and together. `more` says that there are further groups. */
export function* costs(group: CostGroup, filter: CostFilter) {
  const rows = yield* groupedCosts(group, filter, GROUPS_MAX + 1);
  const total = yield* totalCosts(filter);
  return {
    groups: rows.slice(0, GROUPS_MAX).map((row) => ({ [group]: row.key, ...costView(row) })),
    total: costView(total ?? NOTHING),
    more: rows.length > GROUPS_MAX,
  };
}

const NOTHING: CostRow = {
  key: null,
  records: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  cost: 0,
  listCost: 0,
  unpriced: 0,
  firstAt: null,
  lastAt: null,
};

function costView(row: CostRow) {
  return {
    cost: dollarsOf(row.cost),
    input_tokens: row.inputTokens,
    output_tokens: row.outputTokens,
    cached_tokens: row.cachedTokens,
    cache_write_tokens: row.cacheWriteTokens,
    records: row.records,
    ...(row.listCost > 0 && { list_price_estimate: dollarsOf(row.listCost) }),
    ...(row.unpriced > 0 && { unpriced: row.unpriced }),
    ...(row.lastAt !== null && { last_at: iso(row.lastAt) }),
  };
}
