import { LEADING_ROLES } from "../base/statuses.js";
import { z } from "zod";
import { actingAgent } from "../engine/agents/agents.js";
import { type BudgetReport, checkBudget, setBudget, stateAfter } from "../engine/cost/budgets.js";
import { budgetView, decisive, BUDGET_LIMIT_MAX, LIMIT_MIN } from "../engine/cost/budget-state.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

/** In US dollars. */
export const budgetLimit = z.number().min(LIMIT_MIN).max(BUDGET_LIMIT_MAX);
const share = z.number().min(0).max(10).optional();

const target = {
  scope: shapes.budget.shape.scope.optional().describe("Default: run, or what is named."),
  run: params.run.optional(),
  project: params.project,
  for_agent: params.name.optional().describe("The agent whose cost in all projects counts."),
} as const;

const termsShape = shapes.budget.extend({ warn_at: z.number(), block_at: z.number() });

const reported = {
  scope: shapes.budget.shape.scope,
  run: z.string().optional(),
  state: z.enum(["none", "ok", "warn", "blocked"]),
  cost: z.number(),
  budgets: z.array(termsShape),
} as const;

function reportView({ target: { scope, ...of }, state, cost, budgets }: BudgetReport) {
  return {
    scope,
    ...("run" in of && { run: of.run.id }),
    state,
    cost,
    budgets: budgets.map(termsView),
  };
}

type Budget = BudgetReport["budgets"][number];

function termsView(budget: Budget): z.output<typeof termsShape> {
  return { ...budgetView(budget), warn_at: budget.warnAt, block_at: budget.blockAt };
}

const set = defineOperation({
  name: "set_budget",
  title: "Set a budget",
  description:
    "Sets, raises, lowers or removes the budget of a run with its child runs, a project, an agent, or everything (scope global), in US dollars of reported usage. From block_at on nothing new is claimed; held tasks may be completed. Only a person or a supervising role raises or removes one then. Returns the budgets that apply, and the cost.",
  area: "cost",
  effect: "write",
  permission: LEADING_ROLES,
  words: ["limit the cost"],
  example: { run: "run_…", limit: 5 },
  input: z.object({
    ...target,
    limit: budgetLimit.nullable().describe("In US dollars; null removes the budget. Earlier cost counts."),
    warn_at: share.describe("Share of the limit from which the history warns. Default: as it is, or 0.8."),
    block_at: share.describe("Share of the limit from which claims stop. Default: as it is, or 1."),
    ...params.acting,
  }),
  output: z.object({ ...reported, note: z.string().optional() }),
  *run(ctx, input) {
    const agent = yield* actingAgent(ctx, input.agent);
    const report = yield* setBudget(ctx, { ...input, agent: agent.name });
    const { limit } = input;
    return {
      ...reportView(report),
      ...(limit !== null && report.state === "blocked" && { note: spentAlready(limit, report.cost) }),
    };
  },
});

function spentAlready(limit: number, cost: number): string {
  return `$${cost.toFixed(2)} are spent already, and the limit is $${limit.toFixed(2)}: nothing new is claimed until a person raises or removes it.`;
}

const check = defineOperation({
  name: "check_budget",
  title: "Check a budget",
  description:
    "Shows the cost of a run, a project, an agent or everything, and the budgets that apply, the nearest first: limit, spent, remaining, and whether it warns or stops claims; budget is the one that stops claims, or the nearest. With amount, whether that may still be spent. Without a budget, state is none.",
  area: "cost",
  effect: "read",
  aliases: ["check_budget_before_execution"],
  words: ["cost so far"],
  example: { run: "run_…" },
  input: z.object({
    ...target,
    amount: z.number().min(0).max(BUDGET_LIMIT_MAX).optional().describe("US$ that work about to begin may cost."),
  }),
  output: z.object({
    ...reported,
    budget: termsShape.nullable(),
    allowed: z.boolean(),
    state_after: reported.state.optional(),
  }),
  *run(ctx, { amount, ...given }) {
    const report = yield* checkBudget(ctx, given);
    const after = amount === undefined ? undefined : stateAfter(report, amount);
    const allowed = report.state !== "blocked" && (after ?? report.state) !== "blocked";
    const budget = decisive(report.budgets);
    return {
      ...reportView(report),
      budget: budget === undefined ? null : termsView(budget),
      allowed,
      ...(after === undefined ? {} : { state_after: after }),
    };
  },
});

export const budgetOperations = [set, check] as const;
