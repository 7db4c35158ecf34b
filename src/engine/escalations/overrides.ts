import { BatonError } from "../../base/errors.js";
import { dollarsOf, microsOf } from "../../base/money.js";
import { type Budget, clearAsk, findBudgets } from "../../store/cost/budgets.js";
import {
  type Escalation,
  findEscalation,
  insertEscalation,
  openOverride,
} from "../../store/escalations/escalations.js";
import { appendEvents } from "../../store/events/events.js";
import { lockBudgets, lockTree } from "../../store/lock-order.js";
import { findRun } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import { partiesOf } from "../agents/parties.js";
import { BUDGET_LIMIT_MAX, budgetState, budgetView, subjectOf } from "../cost/budget-state.js";
import { setBudget } from "../cost/budgets.js";
import { type EngineContext, SERVER } from "../context.js";
import { requireRun } from "../lookup.js";
import { PRIORITIES } from "../scheduling/order.js";
import { escalationEvent, voidEscalation } from "./announcements.js";
import { timeOf } from "./tiers.js";

// A budget that a charge has blocked is asked to be raised, by the tick: the charge itself, which every completion may be, only notes
// it. A person is asked at once, since it is their money: agents that could approve would spend it.

/** The id of the nearest budget of a run; null without one. */
export function* budgetOfRun(run: string): Tx<string | null> {
  return (yield* requireRun(run)).budgetOf;
}

/**
 * Asks a person to raise a budget that is blocked, unless it is asked already; closes the question of one that is not blocked any more,
 * or is gone. Returns how many questions were opened or closed.
 */
export function* askOverride(ctx: EngineContext, id: string): Tx<number> {
  const [budget] = yield* lockBudgets(null, [id]);
  const open = yield* openOverride(id, SERVER);
  const isWanted = budget !== undefined && budgetState(budget) === "blocked" && !(yield* hasEnded(budget));
  if (budget) yield* clearAsk(id);
  if (!isWanted) return open ? yield* voidEscalation(ctx, open.id) : 0;
  const project = yield* projectOf(budget);
  if (open || project === null) return 0;
  const escalation = question(ctx, budget, project);
  yield* insertEscalation(escalation);
  yield* appendEvents(ctx, [escalationEvent("opened", escalation, SERVER)]);
  return 1;
}

function* hasEnded({ id, scope }: Budget): Tx<boolean> {
  return scope === "run" && ((yield* findRun(id))?.endedAt ?? null) !== null;
}

/** The project whose cost has blocked a budget; null where it was set below its cost, on purpose. */
function* projectOf({ id, scope, askProject }: Budget): Tx<string | null> {
  if (askProject === null || scope !== "run") return askProject;
  return (yield* findRun(id))?.project ?? askProject;
}

function question(ctx: EngineContext, budget: Budget, project: string): Escalation {
  const { run, project: ofProject, agent } = subjectOf(budget);
  const { limit, spent } = budgetView(budget);
  const name = run ?? ofProject ?? agent;
  const whose = name === undefined ? "of everything together" : `of ${budget.scope} ${name}`;
  const raise = dollarsOf(proposedRaise(budget));
  return {
    id: ctx.newId("escalation"),
    project,
    run: run ?? null,
    task: null,
    token: null,
    type: "budget_override",
    title: `Raise the budget ${whose}? ${spent} of ${limit} US$ are spent, and nothing new is claimed.`,
    details: `Approved, the limit rises by ${raise} US$, or by the amount of the decision. Rejected, it stays, and set_budget can raise it later.`,
    priority: PRIORITIES.high,
    tier: "human",
    status: "open",
    askedBy: SERVER,
    parties: [...partiesOf(SERVER, { session: null, clientSession: null })],
    createdAt: ctx.now,
    dueAt: ctx.now + timeOf(ctx.settings, "human"),
    decidedAt: null,
    decidedBy: null,
    conditions: [],
    note: null,
    budget: budget.id,
  };
}

/** By how much an approval raises a budget that names no amount: by half, and further where that would leave it blocked. */
function proposedRaise(budget: Budget): number {
  return Math.max(Math.round(budget.limit / 2), Math.ceil(leastRaise(budget) + budget.limit / 10));
}

/** The raise from which the budget is not blocked. */
function leastRaise({ limit, spent, blockAt }: Budget): number {
  return Math.max(0, Math.ceil(spent / blockAt) - limit + 1);
}

/**
 * Locks the budget that a decision on an escalation raises, with its runs, and returns its id; null where it raises none. Errors:
 * `invalid_input` for an amount where there is nothing to raise.
 */
export function* lockForRaise({ id, decision, amount }: Wanted): Tx<string | null> {
  const budget = decision.startsWith("approved") ? ((yield* findEscalation(id))?.budget ?? null) : null;
  if (budget === null && amount !== undefined) throw noBudget(id, decision);
  if (budget?.startsWith("run_") === true) yield* lockTree(budget);
  return budget;
}

interface Wanted {
  readonly id: string;
  readonly decision: string;
  readonly amount?: number | undefined;
}

function noBudget(id: string, decision: string): BatonError {
  const message = `amount: it raises a budget when an escalation about one is approved, and ${id} is ${decision} or about none. Nothing was decided.`;
  return new BatonError("invalid_input", message, { details: { path: "amount" } });
}

interface Raising {
  readonly id: string;
  readonly amount?: number | undefined;
  readonly by: string;
}

/** Raises the budget of a question that is approved; undefined where there is none any more. Errors: `invalid_input` for an amount that is too small. */
export function* raiseBudget(ctx: EngineContext, { id, amount, by }: Raising): Tx<Budget | undefined> {
  const [budget] = yield* findBudgets([id]);
  if (budget === undefined) return undefined;
  const raise = amount === undefined ? proposedRaise(budget) : microsOf(amount);
  if (raise < leastRaise(budget)) throw tooLittle(budget);
  const limit = Math.min(BUDGET_LIMIT_MAX, dollarsOf(budget.limit + raise));
  const { scope, agent, ...subject } = subjectOf(budget);
  yield* setBudget(ctx, { scope, ...subject, ...(agent !== undefined && { for_agent: agent }), limit, agent: by });
  return (yield* findBudgets([id]))[0];
}

function tooLittle(budget: Budget): BatonError {
  const least = dollarsOf(leastRaise(budget));
  const message = `amount: the budget would stay blocked; from ${least} US$ on, it is not. Nothing was decided.`;
  return new BatonError("invalid_input", message, { details: { path: "amount", least, budget: budgetView(budget) } });
}
