import { BatonError, type NextCall } from "../../base/errors.js";
import type { Budget } from "../../store/cost/budgets.js";
import { openOverride } from "../../store/escalations/escalations.js";
import { findProjectByReference } from "../../store/projects/projects.js";
import { findRun } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import { requireAgent } from "../agents/agents.js";
import { type EngineContext, SERVER } from "../context.js";
import { mayLead } from "../person.js";
import { rolesFrom } from "../supervision/tiers.js";
import { budgetState, budgetView, nameOfSubject, subjectOf } from "./budget-state.js";

export interface BudgetChange {
  /** As it is so far; undefined where there is none. */
  readonly before: Budget | undefined;
  /** Undefined where it is removed. */
  readonly after: Pick<Budget, "limit" | "blockAt"> | undefined;
  readonly agent: string;
}

/**
 * Ensures that no agent lifts by itself the budget that has stopped it. Errors: `not_permitted` where a blocked budget is raised or
 * removed by other than a person or, for a run or a project, an agent with a supervising role.
 */
export function* requireMayLoosen(ctx: EngineContext, { before, after, agent }: BudgetChange): Tx<void> {
  if (before === undefined || budgetState(before) !== "blocked" || ctx.caller.channel === "human") return;
  if (after !== undefined && after.limit * after.blockAt <= before.limit * before.blockAt) return;
  const supervising = yield* supervisingRoles(before);
  const { roles, offeredRoles } = yield* requireAgent(agent);
  if (mayLead(ctx.caller) && [...roles, ...offeredRoles].some((role) => supervising.includes(role))) return;
  throw yield* refusal(ctx, before, supervising);
}

/** Roles whose agents raise the budget of a run or a project; none for an agent's own, and for that of all projects. */
function* supervisingRoles(budget: Budget): Tx<readonly string[]> {
  const { run, project = run === undefined ? undefined : (yield* findRun(run))?.project } = subjectOf(budget);
  if (project === undefined) return [];
  return rolesFrom((yield* findProjectByReference(project))?.config ?? {}, "lead");
}

function* refusal({ caller }: EngineContext, budget: Budget, supervising: readonly string[]): Tx<BatonError> {
  const open = yield* openOverride(budget.id, SERVER);
  const others = supervising.length === 0 ? "" : `, or by an agent with one of the roles ${supervising.join(", ")}`;
  const seat = caller.seat?.refused;
  const { limit, spent } = budgetView(budget);
  const message = [
    `${spent} of the ${limit} US$ that ${nameOfSubject(budget)} may cost are spent, and a spent budget is raised or removed by a person${others}. Nothing was changed.`,
    ...(seat === undefined ? [] : [`This terminal is not taken for a person's: ${seat}.`]),
    open === undefined
      ? "At a terminal set_budget does it."
      : `${open.id} asks a person for it: baton approve ${open.id} --amount N.`,
  ].join(" ");
  const details = { ...subjectOf(budget), ...(open && { escalation: open.id }), permitted: ["human", ...supervising] };
  return new BatonError("not_permitted", message, { details, next: nextCalls(budget, open !== undefined) });
}

/** Asks a person where nothing does so yet. */
function nextCalls(budget: Budget, isAsked: boolean): NextCall[] {
  const { run } = subjectOf(budget);
  if (isAsked || run === undefined) return [];
  const title = "May this run cost more?";
  return [{ tool: "escalate", arguments: { type: "budget_override", run, title } }];
}
