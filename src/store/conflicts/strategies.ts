import { CONFLICT_KINDS, CONFLICT_STRATEGIES } from "../../base/statuses.js";
import { int, many, manyIn, oneOf, placeholders, text } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

const STRATEGIES = table("conflict_strategies", {
  /** `project:ID` or `kind:KIND`. */
  scope: text,
  strategy: oneOf(CONFLICT_STRATEGIES),
  setBy: text,
  setAt: int,
});
/** The strategy that was chosen for a scope. */
export interface ScopeStrategy extends RowOf<typeof STRATEGIES> {}

const SAVE = insertInto(
  STRATEGIES,
  "ON CONFLICT (scope) DO UPDATE SET strategy = excluded.strategy, set_by = excluded.set_by, set_at = excluded.set_at",
);

export function* saveStrategy(strategy: ScopeStrategy): Tx<void> {
  yield SAVE([strategy]);
}

export function* deleteStrategy(scope: string): Tx<void> {
  yield ["DELETE FROM conflict_strategies WHERE scope = $1", [scope]];
}

export function* findStrategies(scopes: readonly string[]): Tx<ScopeStrategy[]> {
  return yield* manyIn(STRATEGIES.read, scopes, (chunk) => [
    `SELECT ${STRATEGIES.columns} FROM conflict_strategies WHERE scope IN (${placeholders(chunk.length)}) ORDER BY scope`,
    chunk,
  ]);
}

const EVIDENCE = table("strategy_evidence", {
  kind: oneOf(CONFLICT_KINDS),
  strategy: oneOf(CONFLICT_STRATEGIES),
  /** In thousandths. */
  successes: int,
  failures: int,
  updatedAt: int,
});
/** Outcomes of a strategy with conflicts of a kind: one that lost half of the time is half a success. */
export interface StrategyEvidence extends RowOf<typeof EVIDENCE> {}

const ADD = insertInto(
  EVIDENCE,
  `ON CONFLICT (kind, strategy) DO UPDATE SET successes = strategy_evidence.successes + excluded.successes,
     failures = strategy_evidence.failures + excluded.failures, updated_at = excluded.updated_at`,
);

/** Adds one outcome. */
export function* addStrategyOutcome(outcome: StrategyEvidence): Tx<void> {
  yield ADD([outcome]);
}

/** Evidence of all strategies with all kinds: a few dozen rows. */
export function* allStrategyEvidence(): Tx<StrategyEvidence[]> {
  return yield* many(EVIDENCE.read, [`SELECT ${EVIDENCE.columns} FROM strategy_evidence ORDER BY kind, strategy`]);
}
