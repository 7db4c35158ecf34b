import { z } from "zod";
import { decideEscalation, DECISIONS, listEscalationPage } from "../engine/escalations/escalations.js";
import { changeView } from "../engine/runs/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const escalation = z.object({
  id: z.string(),
  type: z.string(),
  ask: z.string(),
  form: z.record(z.string(), z.unknown()).optional(),
  token: z.int(),
  task: shapes.taskLine,
  asked_at: shapes.instant,
  until: shapes.instant.optional(),
});

const list = defineOperation({
  name: "list_escalations",
  title: "List open questions",
  description:
    "Lists open questions for a person, oldest first: the question, its form, the waiting task. A person answers in the form that their client shows during a call such as wait_for, or with decide_escalation at a terminal.",
  area: "escalations",
  effect: "read",
  words: ["open questions to a person", "approvals"],
  input: z.object({ run: params.run.optional(), project: params.project, ...params.paging }),
  output: z.object({ escalations: z.array(escalation), ...shapes.nextPage }),
  run: listEscalationPage,
});

const decide = defineOperation({
  name: "decide_escalation",
  title: "Decide a question",
  description:
    "Records a person's answer to an open question: approved, approved_with_conditions or rejected ends the wait, deferred leaves it open. Returns the task and what became ready. Agents may not call it.",
  area: "escalations",
  effect: "write",
  permission: ["human"],
  atTerminal: "baton approve",
  words: ["approve", "answer a question"],
  input: z.object({
    id: z.string().describe("From list_escalations."),
    decision: z.enum(DECISIONS),
    answers: z.record(z.string(), z.unknown()).optional().describe("As the question's form asks."),
    conditions: z.array(z.string().min(1).max(2_000)).max(20).optional(),
    note: z.string().max(10_000).optional(),
    token: z.int().optional().describe("From list_escalations: refused if the question has been asked anew since."),
    request_id: params.requestId,
  }),
  output: z.object(shapes.change),
  *run(ctx, input) {
    const { request_id: _, ...decision } = input;
    return changeView(yield* decideEscalation(ctx, { ...decision, by: ctx.caller.agent }));
  },
});

export const escalationOperations = [list, decide] as const;
