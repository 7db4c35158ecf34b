import { budgetsOver } from "../../store/cost/budgets.js";
import type { Run } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import { dollarsOf } from "../../base/money.js";

/** The values of `run.budget` in expressions, in US dollars; nulls for a run without a budget. */
export type BudgetValues = Readonly<Record<"limit" | "spent" | "remaining", number | null>>;

/** The nearest budget of a run, with the cost that the transaction has still to charge, in millionths of a US dollar. */
export function* budgetValues({ id, budgetOf }: Pick<Run, "id" | "budgetOf">, cost: number): Tx<BudgetValues> {
  const [nearest] = budgetOf === null ? [] : yield* budgetsOver(id);
  if (!nearest) return { limit: null, spent: null, remaining: null };
  const spent = nearest.spent + cost;
  return { limit: dollarsOf(nearest.limit), spent: dollarsOf(spent), remaining: dollarsOf(nearest.limit - spent) };
}
