import { saveMessagesSeen, saveOfferedRoles, type FoundAgent } from "../../store/agents/agents.js";
import { countUnread, type InboxPage } from "../../store/channels/messages.js";
import type { Tx } from "../../store/tx.js";
import { inboxOf, rolesOf } from "./addresses.js";

/** Messages that wait for an agent, as the answers to its other calls tell it. */
export interface WaitingMessages {
  /** At most `COUNTED_MAX`. */
  readonly waiting: number;
  /** Their senders, those of the oldest first; at most five. */
  readonly from: readonly string[];
}

const COUNTED_MAX = 100;
const SENDERS_SHOWN_MAX = 5;

/** Whether no message was sent since none waited for the agent. */
export function noneWaits(
  { newestMessage, messagesSeen, messagesProject }: FoundAgent,
  project: string | undefined,
): boolean {
  return newestMessage === null || (messagesSeen === newestMessage && (messagesProject ?? undefined) === project);
}

/**
 * Counts the unread messages of an agent in a project; undefined where none waits. Yields no statement where nothing was sent since
 * none waited.
 */
export function* waitingMessages(agent: FoundAgent, project: string | undefined): Tx<WaitingMessages | undefined> {
  if (noneWaits(agent, project)) return undefined;
  const after = (agent.messagesProject ?? undefined) === project ? (agent.messagesSeen ?? 0) : 0;
  const page: InboxPage = { after, limit: COUNTED_MAX };
  const senders = yield* countUnread(yield* inboxOf(agent, project), page);
  if (senders.length === 0) return undefined;
  return {
    waiting: senders.reduce((sum, { messages }) => sum + messages, 0),
    from: senders.slice(0, SENDERS_SHOWN_MAX).map(({ sender }) => sender),
  };
}

/** As `waitingMessages`, and records where none waits, so that the next call need not look. For a transaction that has locked the agent. */
export function* settleWaiting(agent: FoundAgent, project: string | undefined): Tx<WaitingMessages | undefined> {
  const waiting = yield* waitingMessages(agent, project);
  if (waiting === undefined && agent.newestMessage !== null && !noneWaits(agent, project)) {
    yield* saveMessagesSeen(agent.name, { newest: agent.newestMessage, project: project ?? null });
  }
  return waiting;
}

/** Roles that are remembered of an agent beside those it registered. */
const OFFERED_MAX = 16;

/** Remembers roles that an agent offers in a claim: their messages are its own from then on. */
export function* rememberRoles(agent: FoundAgent, offered: readonly string[] = []): Tx<FoundAgent> {
  const known = new Set(rolesOf(agent));
  const fresh = offered.filter((role) => !known.has(role));
  if (fresh.length === 0) return agent;
  const offeredRoles = [...new Set([...fresh, ...agent.offeredRoles])].slice(0, OFFERED_MAX);
  yield* saveOfferedRoles(agent.name, offeredRoles);
  return { ...agent, offeredRoles, messagesSeen: null };
}
