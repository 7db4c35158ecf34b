import { type Budget, budgetsOver, type BudgetScope, findBudgets, setOverBudget } from "../../store/cost/budgets.js";
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

/** Ids of budgets that are not of runs. */
export const GLOBAL_BUDGET = "global";
const AGENT_PREFIX = "agent:";

export function agentBudget(agent: string): string {
  return AGENT_PREFIX + agent;
}

interface BudgetSubject {
  readonly scope: BudgetScope;
  readonly run?: string;
  readonly project?: string;
  readonly agent?: string;
}

export function subjectOf({ scope, id }: Pick<Budget, "scope" | "id">): BudgetSubject {
  if (scope === "global") return { scope };
  return { scope, [scope]: scope === "agent" ? id.slice(AGENT_PREFIX.length) : id };
}

export function budgetView(budget: Budget) {
  return {
    ...subjectOf(budget),
    limit: dollarsOf(budget.limit),
    spent: dollarsOf(budget.spent),
    remaining: dollarsOf(budget.limit - budget.spent),
    state: budgetState(budget),
  };
}

export type BudgetView = ReturnType<typeof budgetView>;

export function budgetSentence(budget: Budget): string {
  const { limit, spent } = budgetView(budget);
  return `${spent} of the ${limit} US$ that ${nameOfSubject(budget)} may cost are spent; nothing new is claimed until a person raises that`;
}

export function nameOfSubject(budget: Budget): string {
  const { scope, run, project, agent } = subjectOf(budget);
  return scope === "global" ? "everything together" : `${scope} ${run ?? project ?? agent}`;
}

type Budgeted = Pick<Run, "id" | "budgetOf">;

/** The budgets that hold for a run, the nearest first. */
export function* budgetsOf({ id, budgetOf }: Budgeted): Tx<Budget[]> {
  return budgetOf === null ? [] : yield* budgetsOver(id);
}

/** The budgets beside those of runs that hold for an agent in a project: the agent's, the project's, and that of all. */
export function* widerBudgets({ project, agent }: Spender): Tx<Budget[]> {
  return yield* findBudgets(widerIds({ project, agents: agent === undefined ? [] : [agent] }));
}

export interface Spender {
  readonly project: string | null;
  readonly agent?: string | undefined;
}

export function widerIds({ project, agents }: { project: string | null; agents: readonly string[] }): string[] {
  return [...agents.map(agentBudget), ...(project === null ? [] : [project]), GLOBAL_BUDGET];
}

/** The sentence of a spent budget of an agent, a project or all, which stops a claim. */
export function* whyStopped(spender: Spender): Tx<string | undefined> {
  const blocked = (yield* widerBudgets(spender)).find((budget) => budgetState(budget) === "blocked");
  return blocked && budgetSentence(blocked);
}

/** The nearest blocked budget. */
export function* blockedBudget(run: Budgeted): Tx<Budget | undefined> {
  return (yield* budgetsOf(run)).find((budget) => budgetState(budget) === "blocked");
}

/** The budget that decides among those that apply, the nearest first: the nearest blocked one, else the nearest. */
export function decisive(budgets: readonly Budget[]): Budget | undefined {
  return budgets.find((budget) => budgetState(budget) === "blocked") ?? budgets[0];
}

/** The budget to show for a run. */
export function* budgetToShow(run: Budgeted): Tx<Budget | undefined> {
  return decisive(yield* budgetsOf(run));
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
