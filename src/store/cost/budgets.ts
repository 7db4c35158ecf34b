import { type Run, RUNS } from "../runs/runs.js";
import { many, idOf, int, intOrNull, one, oneOf, only, placeholders, sole, text, textOrNull } from "../rows.js";
import { insertInto, named, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

/** Scopes of budgets: a run with its descendants, a project, an agent in all projects, the whole database. */
export const BUDGET_SCOPES = ["run", "project", "agent", "global"] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];

export const BUDGETS = table("budgets", {
  /** Id of the run or project, `agent:NAME`, or `global`. */
  id: text,
  scope: oneOf(BUDGET_SCOPES),
  limit: named("limit_micros", int),
  spent: named("spent_micros", int),
  /** Shares of the limit. */
  warnAt: int,
  blockAt: int,
  /** When the tick is to look whether raising it has to be asked; null where it has not. */
  askAt: intOrNull,
  /** The project whose cost has blocked it since it was last asked; null where none has. */
  askProject: textOrNull,
});
/** Limit of what a scope may cost. Amounts are millionths of a US dollar. */
export interface Budget extends RowOf<typeof BUDGETS> {}

const BUDGETS_OVER = `WITH RECURSIVE above (id, parent_run, depth) AS (
    SELECT id, parent_run, depth FROM runs WHERE id = $1
    UNION ALL SELECT r.id, r.parent_run, r.depth FROM runs r JOIN above a ON r.id = a.parent_run
  ) SELECT ${BUDGETS.columnsOf("b")} FROM above a JOIN budgets b ON b.id = a.id ORDER BY a.depth DESC`;

/** The budgets that hold for a run, the nearest first: its own, and those of the runs that it is within. */
export function* budgetsOver(run: string): Tx<Budget[]> {
  return yield* many(BUDGETS.read, [BUDGETS_OVER, [run]]);
}

/** Returns the budgets of projects, agents and the whole database among these ids. */
export function* findBudgets(ids: readonly string[]): Tx<Budget[]> {
  return yield* many(BUDGETS.read, [
    `SELECT ${BUDGETS.columns} FROM budgets WHERE id IN (${placeholders(ids.length)}) ORDER BY id`,
    ids,
  ]);
}

/** Adds a cost to budgets whose rows are locked. */
export function* addSpent(ids: readonly string[], cost: number): Tx<void> {
  yield [
    `UPDATE budgets SET spent_micros = spent_micros + $1 WHERE id IN (${placeholders(ids.length, 2)})`,
    [cost, ...ids],
  ];
}

const INSERT = insertInto(BUDGETS);

export function* insertBudget(budget: Budget): Tx<void> {
  yield INSERT([budget]);
}

/** Writes the terms of a budget; whether it is still asked to be raised is to be looked at. */
export function* changeBudget({ id, limit, warnAt, blockAt, askAt }: Omit<Budget, "spent" | "scope">): Tx<void> {
  yield [
    "UPDATE budgets SET limit_micros = $2, warn_at = $3, block_at = $4, ask_at = $5 WHERE id = $1",
    [id, limit, warnAt, blockAt, askAt],
  ];
}

/** Notes for the tick that the cost of a project has blocked a budget, whose row is locked. */
export function* askToRaise(id: string, { at, project }: { at: number; project: string | null }): Tx<void> {
  yield ["UPDATE budgets SET ask_at = $2, ask_project = $3 WHERE id = $1", [id, at, project]];
}

/**
 * Budgets of which the tick is to look whether raising them has to be asked, and those that are gone, or whose run has ended, while
 * an asker's question about them is open.
 */
export function* budgetsToAsk(askedBy: string, limit: number): Tx<string[]> {
  return yield* many(idOf, [
    `SELECT id FROM budgets WHERE ask_at IS NOT NULL
     UNION SELECT e.budget AS id FROM escalations e LEFT JOIN budgets b ON b.id = e.budget
       LEFT JOIN runs r ON r.id = e.budget
       WHERE e.budget IS NOT NULL AND e.decided_at IS NULL AND e.asked_by = $1 AND (b.id IS NULL OR r.ended_at IS NOT NULL)
     ORDER BY id LIMIT $2`,
    [askedBy, limit],
  ]);
}

export function* clearAsk(id: string): Tx<void> {
  yield ["UPDATE budgets SET ask_at = NULL, ask_project = NULL WHERE id = $1", [id]];
}

export function* deleteBudget(id: string): Tx<void> {
  yield ["DELETE FROM budgets WHERE id = $1", [id]];
}

/** Returns the cost of a run and its descendants. */
export function* costWithin(run: string): Tx<number> {
  return yield* sole(only("cost", int), [
    `WITH RECURSIVE below (id) AS (
       SELECT id FROM runs WHERE id = $1 UNION ALL SELECT r.id FROM runs r JOIN below b ON r.parent_run = b.id
     ) SELECT COALESCE(CAST(sum(c.cost_micros) AS BIGINT), 0) AS cost FROM below b JOIN run_counters c ON c.run = b.id`,
    [run],
  ]);
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
    `UPDATE runs SET over_budget = 0 WHERE over_budget = 1 AND ${WITHIN} RETURNING ${RUNS.columns}`,
    [run],
  ];
  return rows.map(RUNS.read).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Returns the first of a run and its open descendants that is over budget. */
export function* overBudgetWithin(run: string): Tx<string | undefined> {
  return yield* one(idOf, [
    `WITH RECURSIVE below (id, over_budget) AS (
       SELECT id, over_budget FROM runs WHERE id = $1 AND ended_at IS NULL
       UNION ALL SELECT r.id, r.over_budget FROM runs r JOIN below b ON r.parent_run = b.id WHERE r.ended_at IS NULL
     ) SELECT id FROM below WHERE over_budget = 1 ORDER BY id LIMIT 1`,
    [run],
  ]);
}
