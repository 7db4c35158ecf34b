import { addSpent, type Budget, budgetsOver, setOverBudget } from "../../store/cost/budgets.js";
import { setLanesOpen } from "../../store/scheduling/lanes.js";
import { lockBudgets } from "../../store/lock-order.js";
import type { Run } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import { BatonError } from "../../base/errors.js";
import type { BudgetValues } from "../steps/values.js";

// What is spent on a task counts against the budget of its run and of every run that this is within. A budget that is spent
// stops claims, not work under way. A run is closed where its own task spends it, and else by the first claim that finds it so:
// whoever ends a task locks no run above its own.

const MICROS_PER_DOLLAR = 1_000_000;
/** Of one attempt, in US dollars. */
const COST_MAX = 1_000_000;
/** Of a budget, in US dollars. */
export const LIMIT_MIN = 0.000001;
export const LIMIT_MAX = 1_000_000_000;

export function microsOf(dollars: number): number {
  return Math.round(dollars * MICROS_PER_DOLLAR);
}

export function dollarsOf(micros: number): number {
  return micros / MICROS_PER_DOLLAR;
}

export type Usage = Readonly<Record<string, unknown>>;

/** What an attempt says that it has cost, in millionths of a US dollar; whatever else it says is kept as it is. Errors: `invalid_input`. */
export function costOf(usage: Usage | undefined): number {
  const cost = usage?.["cost"];
  if (cost === undefined) return 0;
  if (typeof cost === "number" && cost >= 0 && cost <= COST_MAX) return microsOf(cost);
  const shown = JSON.stringify(cost).slice(0, 100);
  throw new BatonError(
    "invalid_input",
    `usage.cost is ${shown}, and must be a number of US dollars from 0 to ${COST_MAX}. Nothing was changed.`,
    { details: { path: "usage.cost" } },
  );
}

export type BudgetState = "ok" | "warn" | "blocked";

export function budgetState({ limit, spent, warnAt, blockAt }: Budget): BudgetState {
  if (spent >= shareOf(limit, blockAt)) return "blocked";
  return spent >= shareOf(limit, warnAt) ? "warn" : "ok";
}

/** Whole millionths: no cent is lost to how fractions are rounded, and nothing is no spending. */
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

/** The nearest budget that is spent. */
export function* spentBudget(run: Budgeted): Tx<Budget | undefined> {
  return (yield* budgetsOf(run)).find((budget) => budgetState(budget) === "blocked");
}

/** The budget that says most of a run: one that is spent, else the nearest. */
export function* tellingBudget(run: Budgeted): Tx<Budget | undefined> {
  const budgets = yield* budgetsOf(run);
  return budgets.find((budget) => budgetState(budget) === "blocked") ?? budgets[0];
}

/** The nearest budget, with what the transaction has still to write. Nulls where there is none. */
export function* budgetValues(run: Budgeted, unwritten: number): Tx<BudgetValues> {
  const [nearest] = yield* budgetsOf(run);
  if (!nearest) return { limit: null, spent: null, remaining: null };
  const { limit, spent, remaining } = budgetView({ ...nearest, spent: nearest.spent + unwritten });
  return { limit, spent, remaining };
}

/** Closes a run, whose row is locked, if one of its budgets is spent. Says whether it did. */
export function* closeIfSpent(run: Budgeted): Tx<boolean> {
  if (run.budgetOf === null || (yield* spentBudget(run)) === undefined) return false;
  yield* closeSpent(run.id);
  return true;
}

export function* closeSpent(run: string): Tx<void> {
  yield* setOverBudget(run);
  yield* setLanesOpen(run, false);
}

/** A line that was crossed, for the history. */
export interface Crossed {
  readonly type: "run.budget_warned" | "run.budget_blocked";
  readonly data: { readonly budget: BudgetView };
}

export interface Paid {
  readonly crossed: readonly Crossed[];
  /** Whether one of the budgets is spent. */
  readonly blocked: boolean;
}

/** Adds a cost to every budget that holds for a run. Their rows are locked, after all others. */
export function* pay(run: Run, cost: number): Tx<Paid> {
  if (cost === 0 || run.budgetOf === null) return { crossed: [], blocked: false };
  const before = yield* lockBudgets(run.id);
  if (before.length > 0)
    yield* addSpent(
      before.map((budget) => budget.run),
      cost,
    );
  const after = before.map((budget) => ({ ...budget, spent: budget.spent + cost }));
  return {
    crossed: after.flatMap((budget, at): Crossed[] => {
      const [was, is] = [before[at] && budgetState(before[at]), budgetState(budget)];
      if (is === was || is === "ok") return [];
      return [
        { type: is === "warn" ? "run.budget_warned" : "run.budget_blocked", data: { budget: budgetView(budget) } },
      ];
    }),
    blocked: after.some((budget) => budgetState(budget) === "blocked"),
  };
}
