import { int, intOrNull, many, textOrNull } from "../rows.js";
import { columns, named, type RowOf } from "../tables.js";
import type { SqlValue, Tx } from "../tx.js";

/** Columns that costs are grouped by. */
export const COST_GROUPS = ["run", "agent", "role", "model", "day", "task"] as const;
export type CostGroup = (typeof COST_GROUPS)[number];

const GROUPED = columns({
  key: textOrNull,
  records: int,
  inputTokens: int,
  outputTokens: int,
  cachedTokens: int,
  cacheWriteTokens: int,
  cost: named("cost_micros", int),
  /** The part of the cost that is an estimate by list prices. */
  listCost: int,
  /** Records whose model has no known price: they count as nothing. */
  unpriced: int,
  firstAt: intOrNull,
  lastAt: intOrNull,
});
export interface CostRow extends RowOf<typeof GROUPED> {}

export interface CostFilter {
  readonly project?: string | undefined;
  readonly run?: string | undefined;
  readonly since?: number | undefined;
}

const SUMS = `count(*) AS records,
  CAST(COALESCE(sum(input_tokens), 0) AS BIGINT) AS input_tokens, CAST(COALESCE(sum(output_tokens), 0) AS BIGINT) AS output_tokens,
  CAST(COALESCE(sum(cached_tokens), 0) AS BIGINT) AS cached_tokens,
  CAST(COALESCE(sum(cache_write_tokens), 0) AS BIGINT) AS cache_write_tokens,
  CAST(COALESCE(sum(cost_micros), 0) AS BIGINT) AS cost_micros,
  CAST(COALESCE(sum(cost_micros) FILTER (WHERE price = 'list_price'), 0) AS BIGINT) AS list_cost,
  count(*) FILTER (WHERE price = 'unknown') AS unpriced, min(at) AS first_at, max(at) AS last_at`;

/** The costs of each group, the dearest first; by day the latest first. */
export function* groupedCosts(group: CostGroup, filter: CostFilter, limit: number): Tx<CostRow[]> {
  const { where, values } = whereOf(filter);
  const order = group === "day" ? "day DESC" : `cost_micros DESC, ${group}`;
  return yield* many(GROUPED.read, [
    // sql: names of columns, and conditions of this file.
    `SELECT ${group} AS key, ${SUMS} FROM usage_records ${where} GROUP BY ${group} ORDER BY ${order} LIMIT $${values.length + 1}`,
    [...values, limit],
  ]);
}

/** The costs of all together. */
export function* totalCosts(filter: CostFilter): Tx<CostRow | undefined> {
  const { where, values } = whereOf(filter);
  // sql: conditions of this file.
  return (yield* many(GROUPED.read, [`SELECT NULL AS key, ${SUMS} FROM usage_records ${where}`, values]))[0];
}

function whereOf({ project, run, since }: CostFilter): { where: string; values: SqlValue[] } {
  const given = [
    ["project =", project],
    ["run =", run],
    ["at >=", since],
  ] as const;
  const used = given.flatMap(([condition, value]) => (value === undefined ? [] : [{ condition, value }]));
  const where = used.map(({ condition }, at) => `${condition} $${at + 1}`).join(" AND ");
  return { where: where === "" ? "" : `WHERE ${where}`, values: used.map(({ value }) => value) };
}
