import { recordSigns } from "../agents/presence.js";
import { findAgent } from "../../store/agents/agents.js";
import { findSession, type Session } from "../../store/presence/sessions.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext, Workplace } from "../context.js";
import { type CallerEvidence, findHookCaller, type HookCaller, type SeenProcess } from "./hook-caller.js";
import { type ClientKind, isOver, mayBeCaller, openHookSession, reopenByHook } from "./hook-sessions.js";

/** A client that asks by a hook. */
export interface HookOrigin extends CallerEvidence {
  /** Undefined for a hook of git, which any client or person may have started. */
  readonly client: ClientKind | undefined;
  /** The handle that its environment gives its commands. */
  readonly ownHandle: string | undefined;
  /** Its own process, which has started the hook; undefined where it cannot be told from others. */
  readonly process: SeenProcess | undefined;
}

/** An agent that edits is told to be there at most so often. */
const SIGN_EVERY_MS = 5_000;

/** Whether an owner of locks is the caller of the hook, or may be: no agent is denied its own files. */
export function* mayBeOwn(
  ctx: EngineContext,
  { origin, caller }: { readonly origin: HookOrigin; readonly caller: HookCaller | undefined },
  owner: { readonly agent: string; readonly session: string | null },
): Tx<boolean> {
  if (owner.agent === origin.ownHandle) return true;
  if (caller !== undefined)
    return caller.agents.includes(owner.agent) || (owner.session !== null && caller.sessions.includes(owner.session));
  if (owner.session === null || origin.client === undefined) return false;
  const session = yield* findSession(owner.session);
  return session !== undefined && mayBeCaller(ctx, { client: origin.client, ancestors: origin.ancestors }, session);
}

/**
 * The caller with a session that lives, first of its sessions: opened where its hooks are the first that is heard of it, and where its
 * servers have ended, since no lock outlives its session.
 */
export function* findOrOpenCaller(ctx: EngineContext, origin: HookOrigin): Tx<HookCaller | undefined> {
  const known = yield* findHookCaller(ctx, origin);
  const { client, conversation, process } = origin;
  if (process === undefined) return known;
  if (known !== undefined) return yield* withLiveSession(ctx, known, process);
  return client === undefined ? undefined : yield* openHookSession(ctx, { client, conversation, process });
}

const SESSIONS_LOOKED_AT_MAX = 10;

function* withLiveSession(ctx: EngineContext, known: HookCaller, process: SeenProcess): Tx<HookCaller> {
  const found: Session[] = [];
  for (const id of known.sessions.slice(0, SESSIONS_LOOKED_AT_MAX)) {
    const session = yield* findSession(id);
    if (session === undefined) continue;
    if (!isOver(ctx, session)) return withFirst(known, id);
    found.push(session);
  }
  const [newest] = found;
  return newest === undefined ? known : withFirst(known, yield* reopenByHook(ctx, newest, process));
}

function withFirst(known: HookCaller, session: string): HookCaller {
  return { ...known, sessions: [session, ...known.sessions.filter((id) => id !== session)] };
}

/** The context in which the caller's agent acts over its session, at a place. Undefined where its session is gone. */
export function* actingAsCaller(
  ctx: EngineContext,
  { sessions, agents }: HookCaller,
  workplace: Workplace,
): Tx<EngineContext | undefined> {
  const [id = ""] = sessions;
  const [agent] = agents;
  const session = yield* findSession(id);
  if (session === undefined || agent === undefined) return undefined;
  const { clientSession, host } = session;
  return {
    ...ctx,
    caller: { ...ctx.caller, agent, session: { ...session, executor: false }, clientSession, host, workplace },
  };
}

/** Whether an agent has made a call, of a tool or a hook, just now. */
export function* isFresh(ctx: EngineContext, agent: string): Tx<boolean> {
  const known = yield* findAgent(agent);
  return known === undefined || ctx.now - known.seenAt < SIGN_EVERY_MS;
}

/** Records a call of a hook as a sign of its agent. */
export function* recordHookCall(ctx: EngineContext, agent: string): Tx<void> {
  if (!(yield* isFresh(ctx, agent))) yield* recordSigns(ctx, [{ agent, agoMs: 0 }]);
}
