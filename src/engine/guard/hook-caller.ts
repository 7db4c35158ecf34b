import {
  agentsOfSessions,
  processKey,
  type Session,
  sessionsOfClients,
  sessionsOfConversations,
} from "../../store/presence/sessions.js";
import { conversationKey, handleOf } from "../../base/names.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

/** A process above a hook. */
export interface SeenProcess extends Pick<Session, "pid" | "processStartedAt"> {}

/** Signs of the client that calls a hook, beside the connection that the call may come over. */
export interface CallerEvidence {
  /** The id that the client's hooks give the conversation. */
  readonly conversation?: string | undefined;
  /** The processes above the hook, the nearest first. */
  readonly ancestors: readonly SeenProcess[];
}

/** The client that calls a hook: its sessions, and the agents that work over them. */
export interface HookCaller {
  /** Ids, the newest first. */
  readonly sessions: readonly string[];
  /** Handles, the last heard first, at least one. */
  readonly agents: readonly string[];
  /** The sign that decided. */
  readonly by: "connection" | "process" | "conversation";
}

/**
 * Returns the client that calls a hook; undefined where nothing tells. The connection counts before the processes above the hook, of
 * which the nearest that has started a server decides, and these before the conversation: clearing it changes its id, and any process
 * can write one.
 */
export function* findHookCaller(
  ctx: EngineContext,
  { conversation, ancestors }: CallerEvidence,
): Tx<HookCaller | undefined> {
  const { session: own, agent } = ctx.caller;
  if (own !== null) {
    const beside = own.clientProcess === null ? [] : yield* sessionsOfClients(own.host, [own.clientProcess]);
    const { sessions, agents } = yield* withLivesBefore(beside, ctx.caller.clientSession);
    return {
      sessions: [...new Set([own.id, ...sessions])],
      agents: [...new Set([agent, ...agents])],
      by: "connection",
    };
  }
  const nearest = yield* nearestSessions(ctx, ancestors);
  if (nearest.length > 0) return { ...(yield* withLivesBefore(nearest, null)), by: "process" };
  const found = yield* withLivesBefore([], conversationKey(conversation));
  return found.sessions.length === 0 ? undefined : { ...found, by: "conversation" };
}

function* nearestSessions({ caller }: EngineContext, ancestors: readonly SeenProcess[]): Tx<readonly Session[]> {
  const keys = ancestors.map(processKey);
  const found = yield* sessionsOfClients(caller.host, keys);
  const nearest = keys.find((key) => found.some(({ clientProcess }) => clientProcess === key));
  return found.filter(({ clientProcess }) => clientProcess === nearest);
}

/** Adds the sessions of the same conversations: a client that was started again goes on with what it held before. */
function* withLivesBefore(
  sessions: readonly Session[],
  conversation: string | null,
): Tx<Pick<HookCaller, "sessions" | "agents">> {
  const conversations = [...sessions.map(({ clientSession }) => clientSession), conversation];
  const known = new Set(conversations.filter((id) => id !== null));
  const again = known.size === 0 ? [] : yield* sessionsOfConversations([...known]);
  const newest = [...sessions, ...again].toSorted((a, b) => b.openedAt - a.openedAt);
  const ids = [...new Set(newest.map(({ id }) => id))];
  if (ids.length === 0) return { sessions: [], agents: [] };
  // An agent that has held nothing yet has the handle that its next call will give it.
  const own = newest.map(({ id, client, clientSession }) => handleOf(client, clientSession ?? id));
  return { sessions: ids, agents: [...new Set([...(yield* agentsOfSessions(ids)), ...own])] };
}
