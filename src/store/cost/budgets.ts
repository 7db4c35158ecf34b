import { type Run, RUN_COLUMNS, runOf } from "../runs/runs.js";
import { int, placeholders, text } from "../rows.js";
import { first, type Row, type Tx } from "../tx.js";

/** What a run and all runs within it may cost. Amounts are millionths of a US dollar. */
export interface Budget {
  readonly run: string;
  readonly limit: number;
  readonly spent: number;
  /** Shares of the limit. */
  readonly warnAt: number;
  readonly blockAt: number;
}

const COLUMNS = ["run", "limit_micros", "spent_micros", "warn_at", "block_at"];
export const BUDGET_COLUMNS = COLUMNS.join(", ");

export function budgetOf(row: Row): Budget {
  return {
    run: text(row, "run"),
    limit: int(row, "limit_micros"),
    spent: int(row, "spent_micros"),
    warnAt: int(row, "warn_at"),
    blockAt: int(row, "block_at"),
  };
}

// sql: the columns are those above.
const BUDGETS_OVER = `WITH RECURSIVE above (id, parent_run, depth) AS (
    SELECT id, parent_run, depth FROM runs WHERE id = $1
    UNION ALL SELECT r.id, r.parent_run, r.depth FROM runs r JOIN above a ON r.id = a.parent_run
  ) SELECT ${COLUMNS.map((column) => `b.${column}`).join(", ")} FROM above a JOIN budgets b ON b.run = a.id ORDER BY a.depth DESC`;

/** The budgets that hold for a run, the nearest first: its own, and those of the runs that it is within. */
export function* budgetsOver(run: string): Tx<Budget[]> {
  return (yield [BUDGETS_OVER, [run]]).map(budgetOf);
}

/** Adds a cost to budgets whose rows are locked. */
export function* addSpent(runs: readonly string[], cost: number): Tx<void> {
  yield [
    `UPDATE budgets SET spent_micros = spent_micros + $1 WHERE run IN (${placeholders(runs.length, 2)})`,
    [cost, ...runs],
  ];
}

export function* insertBudget({ run, limit, spent, warnAt, blockAt }: Budget): Tx<void> {
  yield [`INSERT INTO budgets (${BUDGET_COLUMNS}) VALUES ($1, $2, $3, $4, $5)`, [run, limit, spent, warnAt, blockAt]];
}

export function* changeBudget({ run, limit, warnAt, blockAt }: Omit<Budget, "spent">): Tx<void> {
  yield [
    "UPDATE budgets SET limit_micros = $2, warn_at = $3, block_at = $4 WHERE run = $1",
    [run, limit, warnAt, blockAt],
  ];
}

export function* deleteBudget(run: string): Tx<void> {
  yield ["DELETE FROM budgets WHERE run = $1", [run]];
}

/** What a run and all runs within it have cost. */
export function* costWithin(run: string): Tx<number> {
  const row = yield* first([
    `WITH RECURSIVE below (id) AS (
       SELECT id FROM runs WHERE id = $1 UNION ALL SELECT r.id FROM runs r JOIN below b ON r.parent_run = b.id
     ) SELECT COALESCE(CAST(sum(c.cost_micros) AS BIGINT), 0) AS cost FROM below b JOIN run_counters c ON c.run = b.id`,
    [run],
  ]);
  return row ? int(row, "cost") : 0;
}

const WITHIN = `id IN (WITH RECURSIVE below (id) AS (
    SELECT id FROM runs WHERE id = $1 UNION ALL SELECT r.id FROM runs r JOIN below b ON r.parent_run = b.id
  ) SELECT id FROM below)`;

/** From now on another run's budget is the nearest for those, of a run and all within it, for which one was. Their rows are locked. */
export function* changeNearest(run: string, from: string | null, to: string | null): Tx<void> {
  yield [`UPDATE runs SET budget_of = $2 WHERE COALESCE(budget_of, '') = $3 AND ${WITHIN}`, [run, to, from ?? ""]];
}

/** A run whose row is locked gives out nothing more. */
export function* setOverBudget(run: string): Tx<void> {
  yield ["UPDATE runs SET over_budget = 1 WHERE id = $1", [run]];
}

/** Takes that back for a run and all within it, whose rows are locked. Gives those for which it was so, by id. */
export function* clearOverBudget(run: string): Tx<Run[]> {
  // sql: the columns are the table's own.
  const rows = yield [
    `UPDATE runs SET over_budget = 0 WHERE over_budget = 1 AND ${WITHIN} RETURNING ${RUN_COLUMNS}`,
    [run],
  ];
  return rows.map(runOf).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The first of the open runs within a run, or the run itself, that gives out nothing because a budget is spent. */
export function* overBudgetWithin(run: string): Tx<string | undefined> {
  const row = yield* first([
    `WITH RECURSIVE below (id, over_budget) AS (
       SELECT id, over_budget FROM runs WHERE id = $1 AND ended_at IS NULL
       UNION ALL SELECT r.id, r.over_budget FROM runs r JOIN below b ON r.parent_run = b.id WHERE r.ended_at IS NULL
     ) SELECT id FROM below WHERE over_budget = 1 ORDER BY id LIMIT 1`,
    [run],
  ]);
  return row && text(row, "id");
}
