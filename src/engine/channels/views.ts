import { iso } from "../../base/time.js";
import type { Message } from "../../store/channels/messages.js";
import { shownAddress } from "./addresses.js";

/** A message as answers show it, without its body and data. */
export interface MessageLine {
  id: string;
  from: string;
  to: string;
  type: Message["type"];
  subject?: string;
  task?: string;
  run?: string;
  reply_to?: string;
  thread?: string;
  at: string;
}

export function messageLine(message: Message): MessageLine {
  const { id, sender, address, type, subject, task, run, replyTo, thread, at } = message;
  return {
    id,
    from: sender,
    to: shownAddress(address),
    type,
    ...(subject === null ? {} : { subject }),
    ...(task === null ? {} : { task }),
    ...(run === null ? {} : { run }),
    ...(replyTo === null ? {} : { reply_to: replyTo }),
    ...(thread === id ? {} : { thread }),
    at: iso(at),
  };
}

/** A message in full. */
export function messageView(message: Message): MessageLine & { body: string; data?: unknown } {
  const { at, ...line } = messageLine(message);
  return { ...line, body: message.body, ...(message.data === null ? {} : { data: message.data }), at };
}
