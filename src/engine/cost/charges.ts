import { addSpent, type Budget } from "../../store/cost/budgets.js";
import type { NewEvent } from "../../store/events/events.js";
import { lockBudgets } from "../../store/lock-order.js";
import type { Run } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import type { EffectContext, EffectResult, RunOutcome } from "../effect.js";
import { budgetState, budgetView, closeOverBudget } from "./budget-state.js";

/**
 * Adds the cost of the attempts that ended to every budget that holds for the run, and closes a run whose budget is blocked by it.
 * Locks the rows of the budgets, the last in the lock order.
 */
export function* chargeBudgets(_: EffectContext, { run, attempts }: RunOutcome): Tx<EffectResult> {
  const cost = attempts.reduce((sum, attempt) => sum + attempt.cost, 0);
  if (cost === 0 || run.budgetOf === null) return {};
  const before = yield* lockBudgets(run.id);
  if (before.length === 0) return {};
  yield* addSpent(
    before.map((budget) => budget.run),
    cost,
  );
  const after = before.map((budget) => ({ ...budget, spent: budget.spent + cost }));
  const events = before.flatMap((budget, at) => crossings(run, budget, after[at] ?? budget));
  if (run.endedAt !== null || !after.some((budget) => budgetState(budget) === "blocked")) return { events };
  yield* closeOverBudget(run.id);
  return { events, run: { ...run, overBudget: true } };
}

/** The event of a budget that has come to warn or to block, in the history of the run and of the run that has the budget. */
function crossings({ id, project }: Run, before: Budget, after: Budget): NewEvent[] {
  const state = budgetState(after);
  if (state === "ok" || state === budgetState(before)) return [];
  const type = state === "warn" ? "run.budget_warned" : "run.budget_blocked";
  const runs = after.run === id ? [id] : [id, after.run];
  return runs.map((run) => ({ type, project, run, data: { budget: budgetView(after) } }));
}
