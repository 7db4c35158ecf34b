import type { InputOf, ResultOf } from "../../tools/registry.js";
import { defined } from "../../base/json.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { ago } from "../terminal/durations.js";

const SHOWN_MAX = 200;

export interface MessagesOptions extends Shared {
  readonly all?: boolean;
  readonly channel?: string;
  readonly agent?: string;
  readonly project?: string;
}

/** `baton messages`: those that are shown to their addressee count as read. */
export async function listMessages(context: CommandContext, options: MessagesOptions): Promise<CommandAnswer> {
  const { all, channel, agent, project } = options;
  const where = defined({ channel, agent, project });
  const found = await context.call("read_messages", { ...where, unread: all !== true, limit: SHOWN_MAX });
  const fresh = found.messages.filter(({ acknowledged, from }) => !acknowledged && from !== agent).map(({ id }) => id);
  if (agent === undefined && fresh.length > 0) await context.call("read_messages", { ack: fresh, limit: 1 });
  const lines = found.messages.map((message) => messageText(message, context.host.now()));
  const more = found.next_cursor === undefined ? [] : [`Only the first ${SHOWN_MAX} are shown.`];
  const none = all === true ? "There are no messages." : "No message is unread.";
  return { data: found, text: lines.length === 0 ? none : [...lines, ...more].join("\n") };
}

function messageText(message: ResultOf<"read_messages">["messages"][number], now: number): string {
  const { id, from, to, type, subject, body, task, at } = message;
  const about = task === undefined ? "" : `, about ${task}`;
  const head = `${from} to ${to}, ${ago(now - Date.parse(at))} (${type}${about}; ${id})${subject === undefined ? "" : `: ${subject}`}`;
  return [head, ...body.split("\n").map((line) => `  ${line}`)].join("\n");
}

export interface SendMessageOptions extends Shared {
  readonly subject?: string;
  readonly type?: NonNullable<InputOf<"send_message">["type"]>;
  readonly task?: string;
  readonly replyTo?: string;
  readonly project?: string;
}

/** `baton send TO TEXT` */
export async function sendMessage(
  { call }: CommandContext,
  ...[to, body, options]: [to: string, body: string, options: SendMessageOptions]
): Promise<CommandAnswer> {
  const { subject, type, task, replyTo, project } = options;
  const sent = await call("send_message", {
    to,
    body,
    ...defined({ subject, type, task, reply_to: replyTo, project }),
  });
  return { data: sent, text: `Sent to ${sent.message.to} as ${sent.message.id}.` };
}
