import { BatonError } from "../../base/errors.js";
import { type Page, type PageQuery, pageOf } from "../../base/lists/paging.js";
import { INSTANT_RULE, parseInstant } from "../../base/time.js";
import type { FoundAgent } from "../../store/agents/agents.js";
import * as store from "../../store/channels/messages.js";
import type { Inbox, Message } from "../../store/channels/messages.js";
import type { Tx } from "../../store/tx.js";
import { requireAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { requireTask } from "../lookup.js";
import { projectAtHand } from "../projects/creation.js";
import { addressOf, inboxOf, parseAddressee } from "./addresses.js";
import { PERSON, requireReadable } from "./messages.js";
import { settleWaiting } from "./unread.js";

export interface ReadRequest extends PageQuery {
  /** Only these messages: a channel, role:NAME, task:ID or all. A channel is joined by it. */
  readonly channel?: string | undefined;
  /** Default: true, but for a replay. */
  readonly unread?: boolean | undefined;
  /** A replay begins with the message of this id, or at this instant. */
  readonly from?: string | undefined;
  /** Ids of messages. */
  readonly ack?: readonly string[] | undefined;
  readonly project?: string | undefined;
}

export interface ReadMessage extends Message {
  readonly acknowledged: boolean;
}

export interface ReadPage extends Page<ReadMessage> {
  /** Unread messages of the agent, all of them, at most 100. */
  readonly unread: number;
}

/**
 * Acknowledges messages, then returns those that are unread, oldest first, or all from a point on. Reading acknowledges nothing: an
 * answer may be lost. Errors: `not_found` for a message that is not the agent's, `invalid_input`.
 */
export function* readMessages(ctx: EngineContext, agent: FoundAgent, request: ReadRequest): Tx<ReadPage> {
  yield* acknowledge(ctx, agent, request.ack ?? []);
  const project = yield* projectAtHand(ctx, request.project);
  const own = yield* inboxOf(agent, project?.id);
  const inbox = ctx.caller.channel === "human" ? { ...own, addresses: [PERSON, ...own.addresses] } : own;
  const wanted = request.channel === undefined ? inbox : yield* inboxOfChannel(inbox, request.channel, project?.id);
  const after = yield* startOf(ctx, agent, { ...request, project: project?.id });
  const place = { after, limit: request.limit + 1 };
  const isReplay = !(request.unread ?? request.from === undefined);
  const found = isReplay ? yield* store.listMessages(wanted, place) : yield* store.listUnread(wanted, place);
  const known = isReplay
    ? yield* store.acknowledgedBy(
        agent.name,
        found.map(({ seq }) => seq),
      )
    : new Set<number>();
  const read = found.map((message) => ({ ...message, acknowledged: known.has(message.seq) }));
  const { page, next } = pageOf(read, request.limit, ({ seq }) => seq.toString(36));
  const waiting = yield* settleWaiting(agent, project?.id);
  const unread = inbox === own ? (waiting?.waiting ?? 0) : (yield* store.listUnread(inbox, ALL_UNREAD)).length;
  return { page, next, unread };
}

const ALL_UNREAD = { after: 0, limit: 100 };

/** Errors: `not_found` for a message that was not sent to the agent. */
function* acknowledge(ctx: EngineContext, agent: FoundAgent, ids: readonly string[]): Tx<void> {
  const seqs: number[] = [];
  for (const id of new Set(ids)) seqs.push((yield* requireReadable(ctx, agent, id)).seq);
  yield* store.acknowledge(agent.name, seqs);
}

function* inboxOfChannel(inbox: Inbox, channel: string, project: string | undefined): Tx<Inbox> {
  const addressee = parseAddressee(/^(?:#|role:|task:|channel:|all$)/.test(channel) ? channel : `channel:${channel}`);
  if (addressee.kind === "task")
    return { ...inbox, addresses: [`task:${(yield* requireTask(addressee.name)).task.id}`] };
  if (project === undefined) return { ...inbox, addresses: [] };
  const address = addressOf(addressee, project);
  if (addressee.kind === "channel") yield* store.joinChannel(inbox.agent, address, 0);
  return { ...inbox, addresses: [address] };
}

const CURSOR = /^[0-9a-z]{1,11}$/;

/** The number after which the page begins. */
function* startOf(ctx: EngineContext, agent: FoundAgent, { cursor, from, project }: ReadRequest): Tx<number> {
  if (cursor !== undefined) {
    if (CURSOR.test(cursor)) return Number.parseInt(cursor, 36);
    throw new BatonError("invalid_input", "Invalid cursor: pass next_cursor of the previous page of this list.", {
      details: { path: "cursor" },
    });
  }
  if (from === undefined) return 0;
  const instant = parseInstant(from);
  if (instant !== undefined) return project === undefined ? 0 : yield* store.numberBefore(project, instant);
  if (from.startsWith("message_")) return (yield* requireReadable(ctx, agent, from)).seq - 1;
  throw new BatonError("invalid_input", `from: "${from}" is neither the id of a message nor ${INSTANT_RULE}.`, {
    details: { path: "from" },
  });
}

const SHOWN_MAX = 200;

/** The unread messages of an agent in the project at hand. A query. Errors: `not_found`. */
export function* unreadMessages(ctx: EngineContext, name: string): Tx<Message[]> {
  const project = yield* projectAtHand(ctx);
  const inbox = yield* inboxOf(yield* requireAgent(name), project?.id);
  return yield* store.listUnread(inbox, { after: 0, limit: SHOWN_MAX });
}

/** The addresses whose messages are unread ones of an agent. Errors: `not_found`. */
export function* addressesFollowed(ctx: EngineContext, name: string): Tx<readonly string[]> {
  return (yield* inboxOf(yield* requireAgent(name), (yield* projectAtHand(ctx))?.id)).addresses;
}
