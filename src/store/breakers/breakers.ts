import { BREAKER_STATES } from "../../base/statuses.js";
import { flag, int, intOrNull, json, many, one, oneOf, text, textOrNull } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

/** An outcome that a breaker has counted: when, whether it was a failure, and who reported it where none of its attempts ended so. */
export type CountedOutcome = readonly [at: number, failed: 0 | 1, reporter?: string];

export const BREAKERS = table("circuit_breakers", {
  /** `agent:NAME`, or `server:NAME` of an MCP server whose tools are called. */
  target: text,
  state: oneOf(BREAKER_STATES),
  /** Whether successes say nothing new: it is closed, and its window has no failure. */
  clean: flag,
  /** In a row. */
  failures: int,
  /** The latest outcomes in its window. */
  recent: json<readonly CountedOutcome[]>,
  /** In all. */
  opens: int,
  /** Since it was closed last. */
  opensInRow: int,
  openedAt: intOrNull,
  /** When a trial may begin. */
  retryAt: intOrNull,
  /** The task of the trial, where one has begun. */
  trial: textOrNull,
  changedAt: int,
});
/** A circuit breaker: closed while its target gets work; open while an agent gets none that another can do, a server none at all. */
export interface Breaker extends RowOf<typeof BREAKERS> {}

const ENSURE = insertInto(BREAKERS, "ON CONFLICT (target) DO NOTHING");

/** Makes the row of a target that has none, for it to be locked. */
export function* ensureBreaker(breaker: Breaker): Tx<void> {
  yield ENSURE([breaker]);
}

/** Writes a breaker whose row is locked. */
export function* saveBreaker(breaker: Breaker): Tx<void> {
  const { target, state, clean, failures, recent, opens, opensInRow, openedAt, retryAt, trial, changedAt } = breaker;
  yield [
    `UPDATE circuit_breakers SET state = $1, clean = $2, failures = $3, recent = $4, opens = $5, opens_in_row = $6, opened_at = $7,
       retry_at = $8, trial = $9, changed_at = $10 WHERE target = $11`,
    [
      state,
      clean ? 1 : 0,
      failures,
      JSON.stringify(recent),
      opens,
      opensInRow,
      openedAt,
      retryAt,
      trial,
      changedAt,
      target,
    ],
  ];
}

export function* findBreaker(target: string): Tx<Breaker | undefined> {
  return yield* one(BREAKERS.read, [`SELECT ${BREAKERS.columns} FROM circuit_breakers WHERE target = $1`, [target]]);
}

/** In order of target, from after `after`. */
export function* listBreakers(page: { readonly after: string; readonly limit: number }): Tx<Breaker[]> {
  return yield* many(BREAKERS.read, [
    `SELECT ${BREAKERS.columns} FROM circuit_breakers WHERE target > $1 ORDER BY target LIMIT $2`,
    [page.after, page.limit],
  ]);
}

/** Breakers of targets that begin so and are not closed, at most `limit`. */
export function* openBreakers({ prefix, limit }: { prefix: string; limit: number }): Tx<Breaker[]> {
  return yield* many(BREAKERS.read, [
    `SELECT ${BREAKERS.columns} FROM circuit_breakers WHERE state <> 'closed' AND target LIKE $1 ORDER BY target LIMIT $2`,
    [`${prefix}%`, limit],
  ]);
}

export function* deleteBreaker(target: string): Tx<void> {
  yield ["DELETE FROM circuit_breakers WHERE target = $1", [target]];
}
