import * as store from "../../store/cost/budgets.js";
import { wakeNextUnstarted } from "../../store/child-runs/child-runs.js";
import { findCounters } from "../../store/runs/counters.js";
import { setLanesOpen } from "../../store/scheduling/lanes.js";
import { lockBudgets, lockTree } from "../../store/lock-order.js";
import type { Run } from "../../store/runs/runs.js";
import type { TxResult, Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { BatonError } from "../../base/errors.js";
import { isOpen } from "../lifecycle/run-state.js";
import { RunChange } from "../lifecycle/run-change.js";
import { type BudgetState, budgetsOf, budgetState, budgetView } from "./budget-state.js";
import { dollarsOf, microsOf } from "../../base/money.js";
import { requireRun } from "../lookup.js";

/** Default shares of a budget's limit at which it warns and at which it stops claims. */
const WARN_AT = 0.8;
const BLOCK_AT = 1;

export interface BudgetTerms {
  readonly run: string;
  /** In US dollars; null removes the run's own budget. */
  readonly limit: number | null;
  readonly warn_at?: number | undefined;
  readonly block_at?: number | undefined;
  readonly agent: string;
}

export type BudgetReport = TxResult<ReturnType<typeof checkBudget>>;

/**
 * The budgets that hold for a run, the nearest first, and the cost of the run and its descendants, in US dollars. Errors:
 * `not_found`.
 */
export function* checkBudget(id: string) {
  const run = yield* requireRun(id);
  const budgets = yield* budgetsOf(run);
  return { run, cost: dollarsOf(yield* store.costWithin(id)), budgets, state: worstOf(budgets) };
}

function worstOf(budgets: readonly store.Budget[]): "none" | BudgetState {
  const states = new Set(budgets.map(budgetState));
  return (["blocked", "warn", "ok"] as const).find((state) => states.has(state)) ?? "none";
}

/** The state of a run's budgets once this much more is spent, in US dollars. */
export function stateAfter({ budgets }: BudgetReport, amount: number): "none" | BudgetState {
  return worstOf(budgets.map((one) => ({ ...one, spent: one.spent + microsOf(amount) })));
}

/** The budget of a new run. */
export function newBudget(run: string, limit: number): store.Budget {
  return { run, limit: microsOf(limit), spent: 0, warnAt: WARN_AT, blockAt: BLOCK_AT };
}

/**
 * Sets or removes the budget of a run, which covers its descendants. Earlier cost counts. Runs that no blocked budget holds then give out
 * work again, and start their waiting child runs. Errors: `not_found`, `invalid_input`.
 */
export function* setBudget(ctx: EngineContext, terms: BudgetTerms): Tx<BudgetReport> {
  yield* requireRun(terms.run);
  yield* lockTree(terms.run);
  const run = yield* requireRun(terms.run);
  const own = run.budgetOf === run.id ? (yield* lockBudgets(run.id)).find((one) => one.run === run.id) : undefined;
  const budget = yield* writeBudget(run, own, terms);
  const closed = yield* store.clearOverBudget(run.id);
  for (const one of closed) yield* reopenClaims(ctx, one);
  const change = new RunChange(ctx, run);
  change.record({ type: "run.budget_set", agent: terms.agent, data: { budget: budget ? budgetView(budget) : null } });
  yield* change.writeHistory();
  return yield* checkBudget(run.id);
}

/** Writes the budget and returns it. */
function* writeBudget(run: Run, own: store.Budget | undefined, terms: BudgetTerms): Tx<store.Budget | undefined> {
  if (terms.limit === null) {
    if (!own) return undefined;
    yield* store.deleteBudget(run.id);
    const [above] = yield* store.budgetsOver(run.id);
    yield* store.changeNearest(run.id, run.id, above?.run ?? null);
    return undefined;
  }
  const budget = {
    run: run.id,
    limit: microsOf(terms.limit),
    spent: own?.spent ?? (yield* store.costWithin(run.id)),
    warnAt: terms.warn_at ?? own?.warnAt ?? WARN_AT,
    blockAt: terms.block_at ?? own?.blockAt ?? BLOCK_AT,
  };
  requireShares(budget);
  if (own) yield* store.changeBudget(budget);
  else {
    yield* store.insertBudget(budget);
    yield* store.changeNearest(run.id, run.budgetOf, run.id);
  }
  return budget;
}

/** Opens the lanes of a run again and starts its next child run. Where a budget is still blocked, the next claim closes it again. */
function* reopenClaims(ctx: EngineContext, run: Run): Tx<void> {
  if (run.endedAt !== null) return;
  const { running } = yield* findCounters(run.id);
  yield* setLanesOpen(run.id, isOpen(run, running));
  if (yield* wakeNextUnstarted(run.id, ctx.now)) ctx.onDue?.();
}

function requireShares({ warnAt, blockAt }: store.Budget): void {
  if (warnAt > 0 && warnAt <= blockAt) return;
  throw new BatonError(
    "invalid_input",
    `warn_at is ${warnAt} and block_at ${blockAt}: they are shares of the limit, both above 0, and warn_at is at most block_at.`,
    { details: { warn_at: warnAt, block_at: blockAt } },
  );
}
