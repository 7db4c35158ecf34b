import * as store from "../../store/cost/budgets.js";
import { wakeNextUnstarted } from "../../store/child-runs/child-runs.js";
import { appendEvents } from "../../store/events/events.js";
import { findCounters } from "../../store/runs/counters.js";
import { setLanesOpen } from "../../store/scheduling/lanes.js";
import { lockBudgets, lockTree } from "../../store/lock-order.js";
import type { Run } from "../../store/runs/runs.js";
import type { TxResult, Tx } from "../../store/tx.js";
import { holdUsage, recordedCost } from "../../store/usage/sums.js";
import { requireAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { BatonError } from "../../base/errors.js";
import { isOpen } from "../lifecycle/run-state.js";
import { RunChange } from "../lifecycle/run-change.js";
import {
  agentBudget,
  type BudgetState,
  subjectOf,
  budgetsOf,
  budgetState,
  budgetView,
  GLOBAL_BUDGET,
  widerBudgets,
} from "./budget-state.js";
import { requireMayLoosen } from "./loosening.js";
import { dollarsOf, microsOf } from "../../base/money.js";
import { projectAtHand } from "../projects/creation.js";
import { requireRun } from "../lookup.js";

/** Subject of a budget: a run, a project, an agent in all projects, or everything in the database. */
export interface BudgetTarget {
  readonly scope?: store.BudgetScope | undefined;
  readonly run?: string | undefined;
  /** Default, where the scope is a project: the one at hand. */
  readonly project?: string | undefined;
  readonly for_agent?: string | undefined;
}

export interface BudgetTerms extends BudgetTarget {
  /** In US dollars; null removes the budget. */
  readonly limit: number | null;
  readonly warn_at?: number | undefined;
  readonly block_at?: number | undefined;
  readonly agent: string;
}

export type BudgetReport = TxResult<ReturnType<typeof checkBudget>>;

/** A target that exists. */
type Resolved = { readonly scope: "run"; readonly run: Run } | WiderTarget;

interface WiderTarget {
  readonly scope: Exclude<store.BudgetScope, "run">;
  /** Of its budget. */
  readonly id: string;
  readonly project?: string;
  readonly agent?: string;
}

/**
 * The budgets that hold for a target, the nearest first, and the cost of all that it covers, in US dollars. Errors: `not_found`,
 * `invalid_input` for a target that is none.
 */
export function* checkBudget(ctx: EngineContext, target: BudgetTarget) {
  const found = yield* resolve(ctx, target);
  const budgets = yield* budgetsFor(found);
  const cost = found.scope === "run" ? yield* store.costWithin(found.run.id) : yield* recordedCost(found);
  return { target: found, cost: dollarsOf(cost), budgets, state: worstOf(budgets) };
}

function* resolve(ctx: EngineContext, target: BudgetTarget): Tx<Resolved> {
  const scope = target.scope ?? impliedScope(target);
  requireFitting(scope, target);
  if (scope === "run") return { scope, run: yield* requireRun(target.run ?? "") };
  if (scope === "project") return yield* projectTarget(ctx, target.project);
  if (scope === "global") return { scope, id: GLOBAL_BUDGET };
  const { name } = yield* requireAgent(target.for_agent ?? "");
  return { scope, id: agentBudget(name), agent: name };
}

function* projectTarget(ctx: EngineContext, reference?: string): Tx<Resolved> {
  const project = yield* projectAtHand(ctx, reference);
  if (project) return { scope: "project", id: project.id, project: project.id };
  throw new BatonError(
    "not_found",
    "There is no project around the working directory yet: name one of list_projects.",
    {
      next: [{ tool: "list_projects", arguments: {} }],
    },
  );
}

function impliedScope({ run, project, for_agent }: BudgetTarget): store.BudgetScope {
  if (run !== undefined) return "run";
  if (for_agent !== undefined) return "agent";
  return project === undefined ? "run" : "project";
}

/** Errors: `invalid_input` where the scope lacks its subject, or is given that of another. */
function requireFitting(scope: store.BudgetScope, { run, for_agent, project }: BudgetTarget): void {
  const given = { run, for_agent, project };
  const own = { run: "run", agent: "for_agent", project: "project", global: undefined }[scope];
  const strays = Object.entries(given).filter(([key, value]) => value !== undefined && key !== own);
  const lacks = (scope === "run" && run === undefined) || (scope === "agent" && for_agent === undefined);
  if (!lacks && strays.length === 0) return;
  const wrong = lacks ? `it lacks ${own}` : `${strays.map(([key]) => key).join(" and ")} belong to another scope`;
  throw new BatonError(
    "invalid_input",
    `The budget's scope is ${scope}, and ${wrong}: give run for a run; scope "project" and perhaps project; for_agent for an agent; scope "global" alone for everything.`,
    { details: { path: "scope", scope } },
  );
}

function* budgetsFor(target: Resolved): Tx<readonly store.Budget[]> {
  if (target.scope === "run")
    return [...(yield* budgetsOf(target.run)), ...(yield* widerBudgets({ project: target.run.project }))];
  const { project = null, agent } = target;
  return (yield* widerBudgets({ project, agent })).toSorted(
    (a, b) => Number(a.scope === "global") - Number(b.scope === "global"),
  );
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
export function newBudget({ settings }: EngineContext, run: string, limit: number): store.Budget {
  const { cost_warning_threshold: warnAt, cost_block_threshold: blockAt } = settings;
  return { id: run, scope: "run", limit: microsOf(limit), spent: 0, warnAt, blockAt, askAt: null, askProject: null };
}

/**
 * Sets or removes a budget. Earlier cost counts, so a limit below it stops claims at once. What no blocked budget holds then gives out
 * work again. Errors: `not_found`, `invalid_input`, `not_permitted` as `requireMayLoosen` has it.
 */
export function* setBudget(ctx: EngineContext, terms: BudgetTerms): Tx<BudgetReport> {
  const target = yield* resolve(ctx, terms);
  if (target.scope === "run") return yield* setBudgetOfRun(ctx, target.run.id, terms);
  yield* holdUsage();
  const [own] = yield* lockBudgets(null, [target.id]);
  const budget = yield* writeBudget(ctx, { own, scope: target.scope, id: target.id, terms }, () =>
    recordedCost(target),
  );
  const { project = null } = target;
  const data = { budget: budget ? budgetView(budget) : null, ...subjectOf(target) };
  yield* appendEvents(ctx, [{ type: "budget.set", project, agent: terms.agent, data }]);
  return yield* checkBudget(ctx, terms);
}

function* setBudgetOfRun(ctx: EngineContext, id: string, terms: BudgetTerms): Tx<BudgetReport> {
  yield* lockTree(id);
  const run = yield* requireRun(id);
  const own = run.budgetOf === run.id ? (yield* lockBudgets(run.id)).find((one) => one.id === run.id) : undefined;
  const budget = yield* writeBudget(ctx, { own, scope: "run", id, terms }, () => store.costWithin(id));
  if (own && !budget) {
    const [above] = yield* store.budgetsOver(run.id);
    yield* store.changeNearest(run.id, run.id, above?.id ?? null);
  } else if (budget && !own) yield* store.changeNearest(run.id, run.budgetOf, run.id);
  const closed = yield* store.clearOverBudget(run.id);
  for (const one of closed) yield* reopenClaims(ctx, one);
  const change = new RunChange(ctx, run);
  change.record({ type: "run.budget_set", agent: terms.agent, data: { budget: budget ? budgetView(budget) : null } });
  yield* change.writeHistory();
  return yield* checkBudget(ctx, { run: run.id });
}

interface BudgetDraft extends Pick<store.Budget, "id" | "scope"> {
  /** As it is so far. */
  readonly own: store.Budget | undefined;
  readonly terms: BudgetTerms;
}

/** Writes the budget and returns it; undefined where it is removed. */
function* writeBudget(
  ctx: EngineContext,
  { own, id, scope, terms }: BudgetDraft,
  costSoFar: () => Tx<number>,
): Tx<store.Budget | undefined> {
  if (terms.limit === null) {
    yield* requireMayLoosen(ctx, { before: own, after: undefined, agent: terms.agent });
    if (own) yield* store.deleteBudget(id);
    return undefined;
  }
  const { settings, now } = ctx;
  const budget = {
    id,
    scope,
    limit: microsOf(terms.limit),
    spent: own?.spent ?? (yield* costSoFar()),
    warnAt: terms.warn_at ?? own?.warnAt ?? settings.cost_warning_threshold,
    blockAt: terms.block_at ?? own?.blockAt ?? settings.cost_block_threshold,
    // Raised, or removed and set again, it may be asked to be raised no more.
    askAt: now,
    askProject: own?.askProject ?? null,
  };
  requireShares(budget);
  yield* requireMayLoosen(ctx, { before: own, after: budget, agent: terms.agent });
  if (own) yield* store.changeBudget(budget);
  else yield* store.insertBudget(budget);
  return budget;
}

/** Opens the lanes of a run again and starts its next child run. Where a budget is still blocked, the next claim closes it again. */
function* reopenClaims(ctx: EngineContext, run: Run): Tx<void> {
  if (run.endedAt !== null) return;
  yield* setLanesOpen(run.id, isOpen(run, yield* findCounters(run.id)));
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
