import { BatonError, callOperation } from "../../base/errors.js";
import { hint } from "../../base/names.js";
import { appendEvents } from "../../store/events/events.js";
import { agentNames, findAgent, type FoundAgent } from "../../store/agents/agents.js";
import * as store from "../../store/channels/messages.js";
import type { Message } from "../../store/channels/messages.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { requireRun, requireTask } from "../lookup.js";
import { requireProject } from "../projects/creation.js";
import { type Addressee, addressOf, parseAddressee, shownAddress } from "./addresses.js";
import { messageType, type NewMessage } from "./types.js";

/** Address of the people at terminals, whatever their handles. */
export const PERSON = "agent:human";

/** Bytes of a message: body, subject and data together. */
export const MESSAGE_BYTES_MAX = 65_536;

/** The task, run and project that a message is about, and the message that it replies to. */
interface Bound {
  readonly task: string | null;
  readonly run: string | null;
  readonly project: string;
  readonly repliedTo: Message | undefined;
}

/**
 * Stores a message for its addressees, who need not be there. A reply acknowledges the message that it replies to. Errors:
 * `not_found` for an unknown agent, task, run or message; `limit_exceeded` over 64 KB; `invalid_input` for a message to its own sender.
 */
export function* sendMessage(ctx: EngineContext, sender: FoundAgent, given: NewMessage): Tx<Message> {
  requireSmall(given);
  const bound = yield* boundTo(ctx, sender, given);
  const addressee = yield* addresseeOf(sender, given, bound);
  const { task, repliedTo } = bound;
  const type = yield* messageType(ctx, { sender, addressee, given, task, repliedTo });
  const id = ctx.newId("message");
  const message = yield* deliver(ctx, {
    id,
    project: bound.project,
    address: addressOf(addressee, bound.project),
    sender: sender.name,
    type,
    subject: given.subject ?? null,
    body: given.body,
    data: given.data ?? null,
    task: bound.task,
    run: bound.run,
    replyTo: bound.repliedTo?.id ?? null,
    thread: bound.repliedTo?.thread ?? id,
    at: ctx.now,
  });
  if (addressee.kind === "channel") yield* store.joinChannel(sender.name, message.address, message.seq);
  if (bound.repliedTo) yield* store.acknowledge(sender.name, [bound.repliedTo.seq]);
  return message;
}

/** Stores a message that begins a thread of its own. */
export function* beginThread(
  ctx: EngineContext,
  first: Omit<Message, "seq" | "id" | "replyTo" | "thread" | "at">,
): Tx<Message> {
  const id = ctx.newId("message");
  return yield* deliver(ctx, { ...first, id, replyTo: null, thread: id, at: ctx.now });
}

/** Stores a message, and says in the history that it was sent, which wakes its addressees; its text stays out of that. */
function* deliver(ctx: EngineContext, draft: Omit<Message, "seq">): Tx<Message> {
  const message = yield* store.insertMessage(draft);
  const { id, project, task, run, sender, address, type } = message;
  const data = { message: id, to: shownAddress(address), type };
  yield* appendEvents(ctx, [{ type: "message.sent", project, run, task, agent: sender, data }]);
  return message;
}

function requireSmall({ body, subject = "", data }: NewMessage): void {
  const bytes = Buffer.byteLength(body) + Buffer.byteLength(subject) + Buffer.byteLength(JSON.stringify(data) ?? "");
  if (bytes <= MESSAGE_BYTES_MAX) return;
  const message = `The message has ${bytes} bytes; at most ${MESSAGE_BYTES_MAX} fit. Put the rest down with put_artifact and name its id. Nothing was sent.`;
  throw new BatonError("limit_exceeded", message, { details: { bytes, max: MESSAGE_BYTES_MAX } });
}

function* boundTo(ctx: EngineContext, sender: FoundAgent, given: NewMessage): Tx<Bound> {
  const repliedTo = given.reply_to === undefined ? undefined : yield* requireReadable(ctx, sender, given.reply_to);
  const task = given.task === undefined ? undefined : (yield* requireTask(given.task)).task;
  if (task && given.run !== undefined && given.run !== task.run) {
    throw new BatonError("invalid_input", `Task ${task.key} (${task.id}) belongs to run ${task.run}: leave run out.`, {
      details: { path: "run", run: task.run },
    });
  }
  if (task) return { task: task.id, run: task.run, project: task.project, repliedTo };
  if (given.run !== undefined) {
    const run = yield* requireRun(given.run);
    return { task: null, run: run.id, project: run.project, repliedTo };
  }
  const { task: replied = null, run = null } = repliedTo ?? {};
  const project = repliedTo?.project ?? (yield* requireProject(ctx, given.project)).id;
  return { task: replied, run, project, repliedTo };
}

/** A message that an agent may read: sent by it, to it, or to more than one agent. Errors: `not_found`. */
export function* requireReadable(ctx: EngineContext, agent: FoundAgent, id: string): Tx<Message> {
  const message = yield* store.findMessage(id);
  const isPersons = ctx.caller.channel === "human" && message?.address === PERSON;
  if (message && (isPersons || isReadable(agent, message))) return message;
  throw new BatonError("not_found", `There is no message ${id} to ${agent.name}.`, {
    details: { message: id },
    next: [{ tool: "read_messages", arguments: { unread: false } }],
  });
}

function isReadable({ name }: FoundAgent, { sender, address }: Message): boolean {
  return sender === name || address === `agent:${name}` || !address.startsWith("agent:");
}

function* addresseeOf(sender: FoundAgent, { to, task }: NewMessage, bound: Bound): Tx<Addressee> {
  if (to === undefined) return defaultAddressee(sender, { task, bound });
  const addressee = parseAddressee(to);
  if (addressee.kind === "task") return { kind: "task", name: (yield* requireTask(addressee.name)).task.id };
  if (addressee.kind !== "agent") return addressee;
  if (addressee.name === sender.name) throw toItself(sender.name);
  // A person may read them at a terminal before having acted at one.
  if (addressee.name !== "human") yield* requireKnown(addressee.name);
  return addressee;
}

function defaultAddressee(sender: FoundAgent, { task, bound }: { task: string | undefined; bound: Bound }): Addressee {
  const { repliedTo } = bound;
  if (repliedTo) {
    const before = parseAddressee(shownAddress(repliedTo.address));
    // A channel is read by all who write to it; who asks a role, or the holder of a task, does not read what that is sent.
    const stays = before.kind === "channel" || repliedTo.sender === sender.name;
    return stays ? before : { kind: "agent", name: repliedTo.sender };
  }
  if (task !== undefined && bound.task !== null) return { kind: "task", name: bound.task };
  const message = "to: name an agent, role:NAME, #CHANNEL or all; or pass task, or reply_to. Nothing was sent.";
  throw new BatonError("invalid_input", message, { details: { path: "to" } });
}

function toItself(name: string): BatonError {
  const message = `to: "${name}" is the sender's own handle. Agents that share a connection each pass a handle of their own as agent. Nothing was sent.`;
  return new BatonError("invalid_input", message, { details: { path: "to" } });
}

const NAMES_MAX = 200;
const SHOWN_MAX = 5;

/** Errors: `not_found` with the nearest name, the agents seen last, and how a role is written. */
function* requireKnown(name: string): Tx<void> {
  if ((yield* findAgent(name))?.status === "active") return;
  const names = yield* agentNames(NAMES_MAX);
  const seen = names.length === 0 ? "" : ` Agents seen last: ${names.slice(0, SHOWN_MAX).join(", ")}.`;
  const message = `There is no agent "${name}"${hint(name, names)}.${seen} A role is written role:${name}: its messages are kept until an agent has it. Nothing was sent.`;
  throw new BatonError("not_found", message, {
    details: { path: "to", agent: name },
    next: [callOperation("list_agents", {})],
  });
}
