import { runningTasksOfSession } from "../../store/tasks/tasks.js";
import { saveExecutor } from "../../store/presence/executors.js";
import * as sessions from "../../store/presence/sessions.js";
import type { Tx } from "../../store/tx.js";
import { recordSigns, type Sign } from "../agents/presence.js";
import type { EngineContext, SessionIdentity } from "../context.js";

/** Opens the caller's session row, or opens it again after it had been given up. Before the first write, so that probing a server leaves no trace. */
export function* openSession(ctx: EngineContext, signs: readonly Sign[] = []): Tx<void> {
  const { executor, ...identity } = requireIdentity(ctx);
  yield* recordSigns(ctx, signs);
  yield* sessions.saveSession({
    ...identity,
    clientSession: ctx.caller.clientSession,
    executor: executor !== false,
    workTree: ctx.caller.workplace.gitRoot,
    openedAt: ctx.now,
    renewedAt: ctx.now,
    expiresAt: ctx.now + ctx.settings.session_ttl_ms,
    goneAt: null,
    endedAt: null,
  });
  if (executor !== false) yield* saveExecutor(identity.id, JSON.stringify(executor));
}

/** Keeps the leases of all agents of this process alive, and records their calls since the last renewal. No event, unless one was silent. */
export function* renewSession(ctx: EngineContext, signs: readonly Sign[]): Tx<void> {
  const { id } = requireIdentity(ctx);
  yield* recordSigns(ctx, signs);
  const open = yield* sessions.renewSession({
    id,
    renewedAt: ctx.now,
    expiresAt: ctx.now + ctx.settings.session_ttl_ms,
    // A process that takes steps opens its session before its client has called.
    clientSession: ctx.caller.clientSession,
  });
  // Given up as dead while the process was stopped: what it held is fenced off, but it lives.
  if (!open) yield* openSession(ctx);
}

/** The pipe has closed: what this process holds goes back to the queue after the grace, at once when it holds nothing. */
export function* endSession(ctx: EngineContext): Tx<void> {
  const { id } = requireIdentity(ctx);
  yield* sessions.markGone([id], ctx.now, ctx.now + ctx.settings.session_grace_ms);
  const held = yield* runningTasksOfSession(id, 1);
  if (held.length === 0 && !(yield* sessions.holdsLocks(id))) yield* sessions.endSession(id, ctx.now);
}

function requireIdentity(ctx: EngineContext): SessionIdentity {
  const { session } = ctx.caller;
  if (session === null) throw new Error("this caller has no session");
  return session;
}
