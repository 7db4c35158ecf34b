import { BatonError, callOperation, type NextCall } from "../../base/errors.js";
import type { MessageType } from "../../base/statuses.js";
import { startOf } from "../../base/texts/stored-values.js";
import type { FoundAgent } from "../../store/agents/agents.js";
import type { Message } from "../../store/channels/messages.js";
import { runningTasksOf } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { Addressee } from "./addresses.js";

export interface NewMessage {
  /** As `parseAddressee` reads it. Default: the sender of the message that is replied to, or the holder of the task. */
  readonly to?: string | undefined;
  readonly type?: MessageType | undefined;
  readonly subject?: string | undefined;
  readonly body: string;
  readonly data?: unknown;
  readonly task?: string | undefined;
  readonly run?: string | undefined;
  /** Id of a message. */
  readonly reply_to?: string | undefined;
  readonly project?: string | undefined;
}

/** A message that is about to be sent. */
interface Draft {
  readonly sender: FoundAgent;
  readonly addressee: Addressee;
  readonly given: NewMessage;
  /** Id of the task that it is about. */
  readonly task: string | null;
  readonly repliedTo: Message | undefined;
}

/**
 * The type of a message: as given, else by what it replies to and where it goes. Errors: `invalid_input` for a type that does not go
 * there, and for handoff and meeting_invite, with the call that sends them.
 */
export function* messageType(ctx: EngineContext, draft: Draft): Tx<MessageType> {
  const { addressee, repliedTo, given } = draft;
  const { type } = given;
  if (type === undefined) {
    if (repliedTo?.type === "question") return "answer";
    return addressee.kind === "all" ? "broadcast" : "inform";
  }
  if (type === "handoff") throw sentBy("request_handoff", type, yield* offerCall(ctx, draft));
  if (type === "meeting_invite")
    throw sentBy("create_meeting", type, callOperation("create_meeting", meetingOf(ctx, draft)));
  if (type === "broadcast" && addressee.kind !== "all") {
    throw new BatonError("invalid_input", 'type: a broadcast goes to "all"; use inform. Nothing was sent.', {
      details: { path: "type" },
    });
  }
  return type;
}

function sentBy(operation: string, type: MessageType, next: NextCall): BatonError {
  const message = `type: a ${type} is sent by ${operation}, which keeps what it is about. Nothing was sent.`;
  return new BatonError("invalid_input", message, { details: { path: "type" }, next: [next] });
}

const TASKS_MAX = 16;
/** Longest reason of a handoff. */
export const REASON_CHARS_MAX = 4_000;
/** Longest topic of a meeting, and item of its agenda. */
export const TOPIC_CHARS_MAX = 200;
export const ITEM_CHARS_MAX = 500;
/** Text in the place of what the call did not say. */
const OPEN = "…";

/** The call that offers the task which the sender holds; where that is none, or one of several, the call that lists them. */
function* offerCall(ctx: EngineContext, { sender, addressee, given, task: about }: Draft): Tx<NextCall> {
  const held = yield* runningTasksOf(sender.name, TASKS_MAX);
  const [task, ...others] = about === null ? held : held.filter(({ id }) => id === about);
  if (!task || others.length > 0) return { tool: "list_tasks", arguments: { agent: sender.name, status: "running" } };
  return callOperation("request_handoff", {
    task: task.id,
    token: task.token,
    to: addressee.kind === "agent" ? addressee.name : OPEN,
    reason: startOf(given.body, REASON_CHARS_MAX),
    ...asOther(ctx, sender),
  });
}

function meetingOf(ctx: EngineContext, { sender, addressee, given, task }: Draft): Record<string, unknown> {
  return {
    topic: given.subject ?? startOf(given.body, TOPIC_CHARS_MAX),
    participants: [addressee.kind === "agent" ? addressee.name : OPEN],
    agenda: [startOf(given.body, ITEM_CHARS_MAX)],
    ...(task === null ? {} : { task }),
    ...asOther(ctx, sender),
  };
}

/** Agents that share a connection say in each call which of them calls. */
function asOther({ caller }: EngineContext, { name }: FoundAgent): { agent?: string } {
  return name === caller.agent ? {} : { agent: name };
}
