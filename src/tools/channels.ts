import { z } from "zod";
import { MESSAGE_TYPES } from "../base/statuses.js";
import { actingAgent } from "../engine/agents/agents.js";
import { browseMessages } from "../engine/channels/browsing.js";
import { sendMessage } from "../engine/channels/messages.js";
import { readMessages } from "../engine/channels/reading.js";
import { messageLine, messageView } from "../engine/channels/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const message = z.object({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  type: z.enum(MESSAGE_TYPES),
  subject: z.string().optional(),
  body: z.string(),
  data: z.unknown().optional(),
  task: z.string().optional(),
  run: z.string().optional(),
  reply_to: z.string().optional(),
  thread: z.string().optional(),
  at: shapes.instant,
});

const ACKS_MAX = 200;

const send = defineOperation({
  name: "send_message",
  title: "Send a message",
  description:
    "Sends a message to an agent, role:NAME, #CHANNEL, all, or with task alone to that task's holder, now or next; kept until it is read. Use it for questions, answers and findings that others need.",
  area: "channels",
  effect: "write",
  listed: true,
  inLoop: true,
  words: ["ask another agent", "tell", "notify", "broadcast", "reply", "chat", "mail"],
  example: { to: "ann", type: "question", body: "…" },
  input: z.object({
    to: z.string().min(1).max(300).optional(),
    type: z.enum(MESSAGE_TYPES).optional(),
    subject: z.string().min(1).max(200).optional(),
    body: z.string().min(1),
    data: params.json.optional(),
    task: params.task.optional(),
    run: params.run.optional(),
    reply_to: z.string().min(1).max(100).optional().describe("A message; to is then its sender."),
    ...params.acting,
    project: params.project,
  }),
  output: z.object({ message: message.omit({ body: true, data: true }) }),
  *run(ctx, input) {
    const sender = yield* actingAgent(ctx, input.agent);
    return { message: messageLine(yield* sendMessage(ctx, sender, input)) };
  },
});

const read = defineOperation({
  name: "read_messages",
  title: "Read messages",
  description:
    "Returns your unread messages, oldest first: to your handle, roles, tasks, channels and all. They come again until you name their ids in ack. from (id or instant) or unread false replays them.",
  area: "channels",
  effect: "write",
  listed: true,
  inLoop: true,
  aliases: ["list_messages"],
  words: ["inbox", "unread", "mail", "answers", "replay"],
  example: { ack: ["message_…"] },
  input: z.object({
    channel: z.string().min(1).max(300).optional().describe("Only this: #CHANNEL (joins it), role:NAME, task:ID, all."),
    unread: z.boolean().optional(),
    from: z.string().min(1).max(100).optional(),
    ack: z.array(z.string().min(1).max(100)).max(ACKS_MAX).optional(),
    ...params.paging,
    ...params.acting,
    project: params.project,
  }),
  output: z.object({
    messages: z.array(message.extend({ acknowledged: z.boolean() })),
    unread: shapes.count,
    ...shapes.nextPage,
  }),
  *run(ctx, input) {
    const agent = yield* actingAgent(ctx, input.agent);
    const { page, unread, next } = yield* readMessages(ctx, agent, input);
    const messages = page.map((one) => ({ ...messageView(one), acknowledged: one.acknowledged }));
    return { messages, unread, ...next };
  },
});

const browse = defineOperation({
  name: "browse_messages",
  title: "Browse messages",
  description:
    "Lists a project's messages, newest first: who wrote to whom, about which task. Joins no channel and acknowledges nothing: your own are read with read_messages. What is written to one agent is shown to its two sides and to a person; withheld counts the rest.",
  area: "channels",
  effect: "read",
  words: ["all messages", "what agents write to each other", "conversations"],
  input: z.object({
    to: z
      .string()
      .min(1)
      .max(300)
      .optional()
      .describe("Agent, role:NAME, #CHANNEL, task:ID or all. Default: everyone."),
    ...params.paging,
    project: params.project,
  }),
  output: z.object({
    messages: z.array(message.extend({ task_title: z.string().optional(), unread: z.boolean() })),
    withheld: shapes.count,
    ...shapes.nextPage,
  }),
  *run(ctx, input) {
    const { page, withheld, next } = yield* browseMessages(ctx, input);
    const messages = page.map(({ taskTitle, unread, ...one }) => ({
      ...messageView(one),
      ...(taskTitle !== null && { task_title: taskTitle }),
      unread,
    }));
    return { messages, withheld, ...next };
  },
});

export const channelOperations = [send, read, browse] as const;
