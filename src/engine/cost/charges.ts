import { addSpent, askToRaise, type Budget } from "../../store/cost/budgets.js";
import type { NewEvent } from "../../store/events/events.js";
import { lockBudgets } from "../../store/lock-order.js";
import type { Run } from "../../store/runs/runs.js";
import type { Tx, TxContext } from "../../store/tx.js";
import { insertUsage } from "../../store/usage/records.js";
import type { EffectContext, EffectResult, RunOutcome, RunUsage } from "../effect.js";
import { agentBudget, budgetState, budgetView, closeOverBudget, widerIds } from "./budget-state.js";

/**
 * Records the usage that was reported of the run, adds its cost to every budget that holds for it, and closes a run whose budget is
 * blocked by it. Locks the rows of the budgets, the last in the lock order.
 */
export function* chargeBudgets(ctx: EffectContext, { run, usages }: RunOutcome): Tx<EffectResult> {
  if (usages.length === 0) return {};
  const { events, spent } = yield* charge(ctx, { project: run.project, run }, usages);
  if (run.endedAt !== null || !spent.some(isBlockedRun)) return { events };
  yield* closeOverBudget(run.id);
  return { events, run: { ...run, overBudget: true } };
}

export interface Charged {
  readonly events: NewEvent[];
  /** The budgets as they are then. */
  readonly spent: readonly Budget[];
}

interface Payer {
  readonly project: string | null;
  readonly run: Pick<Run, "id"> | null;
}

/** Records usage, and adds its cost to the budgets of its run, of the runs that this is within, of its project, its agents, and of all. */
export function* charge(ctx: TxContext, payer: Payer, usages: readonly RunUsage[]): Tx<Charged> {
  const day = new Date(ctx.now).toISOString().slice(0, 10);
  yield* insertUsage(usages.map((usage) => ({ ...usage, id: ctx.newId("usage"), day, at: ctx.now })));
  const byAgent = new Map<string, number>();
  for (const { agent, cost } of usages)
    if (agent !== null) byAgent.set(agentBudget(agent), (byAgent.get(agentBudget(agent)) ?? 0) + cost);
  const cost = usages.reduce((sum, usage) => sum + usage.cost, 0);
  if (cost === 0) return { events: [], spent: [] };
  const agents = [...new Set(usages.flatMap(({ agent }) => agent ?? []))];
  const before = yield* lockBudgets(payer.run?.id ?? null, widerIds({ project: payer.project, agents }));
  const costOf = ({ id }: Budget) => byAgent.get(id) ?? cost;
  for (const amount of new Set(before.map(costOf)))
    yield* addSpent(
      before.flatMap((budget) => (costOf(budget) === amount ? [budget.id] : [])),
      amount,
    );
  const spent = before.map((budget) => ({ ...budget, spent: budget.spent + costOf(budget) }));
  const newly = spent.filter((budget, at) => isBlocked(budget) && !isBlocked(before[at] ?? budget));
  for (const { id } of newly) yield* askToRaise(id, { at: ctx.now, project: payer.project });
  return { spent, events: before.flatMap((budget, at) => crossings(payer, budget, spent[at] ?? budget)) };
}

function isBlocked(budget: Budget): boolean {
  return budgetState(budget) === "blocked";
}

function isBlockedRun(budget: Budget): boolean {
  return budget.scope === "run" && isBlocked(budget);
}

/** The event of a budget that has come to warn or to block, in the history of the run that spent and of the run that has the budget. */
function crossings({ project, run }: Payer, before: Budget, after: Budget): NewEvent[] {
  const state = budgetState(after);
  if (state === "ok" || state === budgetState(before)) return [];
  const data = { budget: budgetView(after) };
  if (after.scope !== "run")
    return [{ type: state === "warn" ? "budget.warned" : "budget.blocked", project, run: run?.id ?? null, data }];
  const type = state === "warn" ? "run.budget_warned" : "run.budget_blocked";
  const runs = run === null || after.id === run.id ? [after.id] : [run.id, after.id];
  return runs.map((id) => ({ type, project, run: id, data }));
}
