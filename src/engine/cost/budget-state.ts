import { type Budget, budgetsOver, setOverBudget } from "../../store/cost/budgets.js";
import { setLanesOpen } from "../../store/scheduling/lanes.js";
import type { Run } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import { dollarsOf } from "../../base/money.js";

// A run's cost counts against its own budget and the budgets of its ancestors. A blocked budget stops claims, not work under way.
// A run is closed by the change whose cost blocks a budget, its descendants by the first claim that meets the budget: ending a
// task locks no run but its own.

/** Bounds of a budget, in US dollars. */
export const LIMIT_MIN = 0.000001;
export const BUDGET_LIMIT_MAX = 1_000_000_000;

export type BudgetState = "ok" | "warn" | "blocked";

export function budgetState({ limit, spent, warnAt, blockAt }: Budget): BudgetState {
  if (spent >= shareOf(limit, blockAt)) return "blocked";
  return spent >= shareOf(limit, warnAt) ? "warn" : "ok";
}

/** Rounds to whole millionths, at least one, so that a budget without any cost is never blocked. */
function shareOf(limit: number, share: number): number {
  return Math.max(1, Math.round(limit * share));
}

export function budgetView(budget: Budget) {
  return {
    run: budget.run,
    limit: dollarsOf(budget.limit),
    spent: dollarsOf(budget.spent),
    remaining: dollarsOf(budget.limit - budget.spent),
    state: budgetState(budget),
  };
}

export type BudgetView = ReturnType<typeof budgetView>;

export function budgetSentence(budget: Budget): string {
  const { run, limit, spent } = budgetView(budget);
  return `${spent} of the ${limit} US$ that run ${run} may cost are spent; nothing new is claimed until set_budget raises that`;
}

type Budgeted = Pick<Run, "id" | "budgetOf">;

/** The budgets that hold for a run, the nearest first. */
export function* budgetsOf({ id, budgetOf }: Budgeted): Tx<Budget[]> {
  return budgetOf === null ? [] : yield* budgetsOver(id);
}

/** The nearest blocked budget. */
export function* blockedBudget(run: Budgeted): Tx<Budget | undefined> {
  return (yield* budgetsOf(run)).find((budget) => budgetState(budget) === "blocked");
}

/** The budget to show for a run: the nearest blocked one, else the nearest. */
export function* budgetToShow(run: Budgeted): Tx<Budget | undefined> {
  const budgets = yield* budgetsOf(run);
  return budgets.find((budget) => budgetState(budget) === "blocked") ?? budgets[0];
}

/** Closes a run, whose row is locked, if one of its budgets is blocked. Returns whether it did. */
export function* closeIfOverBudget(run: Budgeted): Tx<boolean> {
  if (run.budgetOf === null || (yield* blockedBudget(run)) === undefined) return false;
  yield* closeOverBudget(run.id);
  return true;
}

export function* closeOverBudget(run: string): Tx<void> {
  yield* setOverBudget(run);
  yield* setLanesOpen(run, false);
}
