import { z } from "zod";
import { BatonError } from "../base/errors.js";
import { ESCALATION_STATUSES, ESCALATION_TIERS, ESCALATION_TYPES } from "../base/statuses.js";
import { decideApproval, isApproval } from "../engine/approvals/deciding.js";
import { BUDGET_LIMIT_MAX, budgetView, LIMIT_MIN } from "../engine/cost/budget-state.js";
import { decideByTier, isEscalation, type TierDecision } from "../engine/escalations/deciding.js";
import { escalate } from "../engine/escalations/escalating.js";
import { decideEscalation, DECISIONS } from "../engine/escalations/escalations.js";
import { approvalLine, escalationView, listEscalationPage } from "../engine/escalations/listing.js";
import type { EngineContext } from "../engine/context.js";
import { changeView } from "../engine/runs/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";
import { isReviewTask, requireUnchanged } from "./review-diffs.js";

const tier = z.enum(ESCALATION_TIERS);
const status = z.enum(ESCALATION_STATUSES);

/** A question of an agent, of a human step, or about a task that no agent may take. */
const question = z.object({
  id: z.string(),
  type: z.string(),
  tier,
  status,
  ask: z.string(),
  from: z.string().optional(),
  details: z.string().optional(),
  form: z.record(z.string(), z.unknown()).optional(),
  token: z.int().optional(),
  /** Absent for an escalation, which names a task in about. */
  task: shapes.taskLine.optional(),
  priority: shapes.priority.optional(),
  blocking: z.boolean().optional(),
  run: z.string().optional(),
  /** Id of the budget that an approval raises: of a run or project, agent:NAME, or global. */
  budget: z.string().optional(),
  /** Id of the task that an escalation is about. */
  about: z.string().optional(),
  /** The artifact whose approval is asked for. */
  artifact: z.string().optional(),
  asked_at: shapes.instant,
  until: shapes.instant.optional(),
  due_at: shapes.instant.optional(),
  default_decision: z.enum(["reject", "approve", "retry", "pause"]).optional(),
  decided_at: shapes.instant.optional(),
  decided_by: z.string().optional(),
  conditions: z.array(z.string()).readonly().optional(),
  note: z.string().optional(),
});

const ask = defineOperation({
  name: "escalate",
  title: "Escalate a question",
  description:
    "Asks for a decision: other agents have 5 min, leads 30, a person 60, then a cautious default. blocking gives your task back until then. The answer is a message.",
  area: "escalations",
  effect: "write",
  listed: true,
  aliases: ["create_escalation", "request_gate_approval", "request_budget_override"],
  aliasInput: {
    request_gate_approval: { type: "gate_approval" },
    request_budget_override: { type: "budget_override" },
  },
  translate: withDocumentedKeys,
  words: ["ask a person", "approval", "decision", "stuck", "unclear requirement"],
  example: { type: "ambiguous_requirement", title: "…" },
  input: z.object({
    type: z.enum(ESCALATION_TYPES),
    title: z.string().min(1).max(300),
    details: z.string().min(1).max(10_000).optional(),
    priority: shapes.priority.optional(),
    blocking: z.boolean().optional().describe("Needs task and token."),
    task: params.task.optional(),
    token: params.token.optional(),
    run: params.run.optional(),
    ...params.acting,
    project: params.project,
  }),
  output: z.object({ escalation: question }),
  *run(ctx, input) {
    return { escalation: escalationView(yield* escalate(ctx, input)) };
  },
});

/** The result of a gate, or a request for more money, in the words of callers who know them from elsewhere, as title and details. */
function withDocumentedKeys(given: Record<string, unknown>): Record<string, unknown> {
  const { gate_type, gate_result, ...rest } = given;
  if (typeof gate_type !== "string") return withDocumentedSpend(given);
  const details = gate_result === undefined ? {} : { details: JSON.stringify(gate_result) };
  return { title: `Is the gate ${gate_type} passed?`, ...details, ...rest };
}

/** A request for more money, in the words of callers who know it from elsewhere, as title and details. */
function withDocumentedSpend(given: Record<string, unknown>): Record<string, unknown> {
  const { current_spend, requested_amount, budget_limit, reason, ...rest } = given;
  if (typeof requested_amount !== "number") return given;
  const spent =
    typeof current_spend !== "number" || typeof budget_limit !== "number"
      ? ""
      : `; ${current_spend} of ${budget_limit} are spent`;
  const asks = `asks for ${requested_amount} US$ more${spent}`;
  const details = typeof reason === "string" ? `${reason} (${asks})` : asks;
  return { title: `Raise the budget by ${requested_amount} US$?`, details, ...rest };
}

const list = defineOperation({
  name: "list_escalations",
  title: "List open questions",
  description:
    "Lists questions that wait for a decision, oldest first: escalations with their tier, approvals, and human steps with form and task. A person answers those that wait for them in the form that their client shows during a call such as wait_for, or with baton approve at a terminal.",
  area: "escalations",
  effect: "read",
  words: ["open questions to a person", "approvals"],
  input: z.object({
    status: status.optional().describe("Default: those that may still be decided."),
    tier: tier.optional(),
    run: params.run.optional(),
    project: params.project,
    ...params.paging,
  }),
  output: z.object({ escalations: z.array(question), ...shapes.nextPage }),
  run: listEscalationPage,
});

const decisionInput = z.object({
  id: z.string().describe("From list_escalations."),
  decision: z.enum(DECISIONS),
  answers: z.record(z.string(), z.unknown()).optional().describe("As the question's form asks."),
  conditions: z.array(z.string().min(1).max(2_000)).max(20).optional(),
  note: z.string().max(10_000).optional(),
  amount: z
    .number()
    .min(LIMIT_MIN)
    .max(BUDGET_LIMIT_MAX)
    .optional()
    .describe("US$ by which an approved budget_override raises the budget. Default: half its limit."),
  token: z.int().optional().describe("From list_escalations: refused if the question has been asked anew since."),
  ...params.acting,
});

/** The key that sibling operations have for what they decide, and the status that other systems give beside the decision. */
function withDocumentedDecision({ escalation, ...given }: Record<string, unknown>): Record<string, unknown> {
  // Beside an id it stays, and is refused: one of the two would be passed over.
  const isOnly = given["id"] === undefined;
  const named = escalation === undefined ? given : { ...given, [isOnly ? "id" : "escalation"]: escalation };
  const { status: outcome, decision = "", ...others } = named;
  if (typeof outcome !== "string" || typeof decision !== "string") return named;
  return outcome.toLowerCase().startsWith(decision.toLowerCase()) ? { ...others, decision: outcome } : named;
}

const decide = defineOperation({
  name: "decide_escalation",
  title: "Decide a question",
  description:
    "Decides an open question. An escalation by those of its tier, but the agent that asked; deferred passes it up. A human step by a person alone. Returns the escalation, and the task that goes on with what became ready.",
  area: "escalations",
  effect: "write",
  // Without an id nothing is decided: the check of the input says what is lacking.
  permission: ({ id }) =>
    id === undefined || (typeof id === "string" && (isEscalation(id) || isApproval(id))) ? "anyone" : ["human"],
  translate: withDocumentedDecision,
  atTerminal: "baton approve",
  words: ["approve", "answer a question"],
  input: decisionInput,
  output: z.object({
    escalation: question.optional(),
    ...shapes.change,
    task: shapes.taskLine.optional(),
    run: shapes.change.run.optional(),
    budget: shapes.budget.optional(),
  }),
  needs: ["contents", "files"],
  async perform(host, input) {
    // The person is to have seen the work as it is: a review that climbed to one is bound to its diff, as agents' are.
    const approves = input.decision === "approved" && !isEscalation(input.id) && !isApproval(input.id);
    if (approves && (await host.earlier("run")) === undefined && (await isReviewTask(host, input.id)))
      await requireUnchanged(host, { task: input.id, token: input.token });
    return host.transact((ctx) => decideQuestion(ctx, input), "run");
  },
});

type QuestionDecision = z.output<typeof decisionInput>;

function* decideQuestion(ctx: EngineContext, input: QuestionDecision) {
  const { request_id: _, agent, ...decision } = input;
  if (input.amount !== undefined && !isEscalation(input.id)) throw noAmount(input.id);
  if (isApproval(input.id)) return yield* decideAsApproval(ctx, input);
  if (!isEscalation(input.id)) return changeView(yield* decideEscalation(ctx, { ...decision, by: ctx.caller.agent }));
  const { escalation, resumed, raised } = yield* decideByTier(ctx, { ...decision, agent });
  const change = resumed === undefined ? { newly_ready: [], ready: [] } : changeView(resumed);
  return { escalation: escalationView(escalation), ...change, ...(raised && { budget: budgetView(raised) }) };
}

function noAmount(id: string): BatonError {
  const message = `amount: it raises a budget when a budget_override is approved, and ${id} is no escalation. Nothing was decided.`;
  return new BatonError("invalid_input", message, { details: { path: "amount" } });
}

/** A person decides approvals with the other questions. Errors: `invalid_input` for a deferral: an approval has no time limit. */
function* decideAsApproval(ctx: EngineContext, { id, decision, ...given }: TierDecision) {
  if (decision === "deferred") {
    const message = `decision: approval ${id} waits without a time limit, so it cannot be deferred: leave it open. Nothing was changed.`;
    throw new BatonError("invalid_input", message, { details: { path: "decision" } });
  }
  const decided = yield* decideApproval(ctx, { ...given, approval: id, decision });
  return { escalation: approvalLine(decided), newly_ready: [], ready: [] };
}

export const escalationOperations = [ask, list, decide] as const;
