import { z } from "zod";
import { HANDOFF_STATUSES } from "../base/statuses.js";
import { iso } from "../base/time.js";
import { actingAgent } from "../engine/agents/agents.js";
import { REASON_CHARS_MAX } from "../engine/channels/types.js";
import { acceptHandoff } from "../engine/handoffs/acceptance.js";
import { declineHandoff, type Handoff, requestHandoff } from "../engine/handoffs/handoffs.js";
import { leaseView, taskLine } from "../engine/tasks/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const ARTIFACTS_MAX = 50;

const handoff = z.object({
  id: z.string(),
  task: z.string(),
  run: z.string(),
  from: z.string(),
  to: z.string(),
  status: z.enum(HANDOFF_STATUSES),
  reason: z.string(),
  context: z.unknown().optional(),
  artifacts: z.array(z.string()).readonly().optional(),
  expires_at: shapes.instant,
  note: z.string().optional(),
});

function handoffView({
  id,
  task,
  run,
  sender,
  recipient,
  status,
  reason,
  context,
  artifacts,
  expiresAt,
  note,
}: Handoff) {
  const optional = { context, artifacts: artifacts.length === 0 ? null : artifacts, note };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null));
  return { id, task, run, from: sender, to: recipient, status, reason, ...given, expires_at: iso(expiresAt) };
}

const request = defineOperation({
  name: "request_handoff",
  title: "Offer a task to an agent",
  description:
    "Offers a task that you hold to another agent, by a message with the reason and context. It stays yours until it is accepted; until expires_at it is reserved for the other if you release or lose it. Returns the handoff.",
  area: "channels",
  effect: "write",
  words: ["hand over", "hand off", "pass on a task", "transfer a task", "delegate"],
  example: { task: "task_…", token: 1, to: "ben", reason: "…" },
  input: z.object({
    task: params.task,
    token: params.token,
    to: params.name.describe("Handle of the agent, from list_agents."),
    reason: z.string().min(1).max(REASON_CHARS_MAX),
    context: params.json.optional().describe("What the other needs to know, as JSON."),
    artifacts: z.array(z.string().min(1).max(300)).max(ARTIFACTS_MAX).optional(),
    ...params.acting,
  }),
  output: z.object({ handoff }),
  *run(ctx, input) {
    return { handoff: handoffView(yield* requestHandoff(ctx, input)) };
  },
});

const respond = defineOperation({
  name: "respond_handoff",
  title: "Accept or decline a task",
  description:
    "Accepts or declines a task that another agent offers you. Accepted, its lease and file locks are yours at once under a new token, and the other's token is old; claim_task then shows its brief. Declined, it stays with its holder.",
  area: "channels",
  effect: "write",
  words: ["accept a handoff", "decline", "take over a task"],
  aliases: ["accept_handoff"],
  aliasInput: { accept_handoff: { accept: true } },
  example: { handoff: "handoff_…", accept: true },
  input: z.object({
    handoff: z.string().min(1).max(100).describe("Its id, from the message that offers it."),
    accept: z.boolean(),
    note: z.string().min(1).max(4_000).optional().describe("Why it is declined."),
    ...params.acting,
  }),
  output: z.object({
    handoff,
    task: shapes.taskLine.optional(),
    lease: shapes.lease.optional(),
    next: z.array(shapes.call).optional(),
  }),
  *run(ctx, input) {
    const agent = yield* actingAgent(ctx, input.agent);
    if (!input.accept) return { handoff: handoffView(yield* declineHandoff(ctx, input, agent.name)) };
    const { handoff: accepted, task, lease } = yield* acceptHandoff(ctx, input.handoff, agent);
    const brief = {
      tool: "claim_task",
      arguments: { run: task.run, agent: agent.name },
    };
    return {
      handoff: handoffView(accepted),
      task: taskLine(task),
      ...(lease && { lease: leaseView(task.token, lease) }),
      next: [brief],
    };
  },
});

export const handoffOperations = [request, respond] as const;
