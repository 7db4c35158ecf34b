import { idOfCursor, type PageQuery, pageOf } from "../../base/lists/paging.js";
import { ROWS_AT_ONCE_MAX } from "../../base/limits.js";
import type { RunMode } from "../../base/statuses.js";
import { appendEvents } from "../../store/events/events.js";
import type { Tx } from "../../store/tx.js";
import * as sessions from "../../store/runs/work-sessions.js";
import type { EngineContext } from "../context.js";
import { DURATION_MS_MAX, durationProblem, parseDuration } from "../../base/durations.js";
import { BatonError, callOperation } from "../../base/errors.js";
import { iso, isoOrNull } from "../../base/time.js";
import { isName, NAME_RULE } from "../../base/names.js";
import { MODE_MEANING } from "../scheduling/run-modes.js";

export type WorkSession = sessions.WorkSession;

const OPEN_MAX = 1_000;

export interface NewSession {
  /** Default: its id. */
  readonly name?: string | undefined;
  readonly mode: RunMode;
  readonly max_parallel_tasks?: number | undefined;
  readonly ttl?: string | number | undefined;
}

/**
 * Opens a named set of defaults for the runs that are started in it. The same again gives the one that is open. Errors:
 * `invalid_input`; `conflict` for a name under which another is open.
 */
export function* createSession(ctx: EngineContext, wanted: NewSession): Tx<{ session: WorkSession; created: boolean }> {
  const { name, mode, max_parallel_tasks: maxParallel = null, ttl } = wanted;
  if (name !== undefined && !isName(name)) {
    throw new BatonError("invalid_input", `"${name}" cannot be the name of a session: it needs ${NAME_RULE}.`);
  }
  const ttlMs = ttl === undefined ? undefined : parseDuration(ttl);
  if (ttl !== undefined && (ttlMs === undefined || ttlMs === 0)) {
    throw new BatonError("invalid_input", `ttl: ${ttlMs === 0 ? "must be above 0" : durationProblem(ttl)}.`);
  }
  const open = yield* sessions.closeExpired(ctx.now);
  if (open >= OPEN_MAX) {
    throw new BatonError("limit_exceeded", `${OPEN_MAX} sessions are open already: close some.`, {
      next: [callOperation("list_sessions", {})],
    });
  }
  const id = ctx.newId("worksession");
  const session: WorkSession = {
    id,
    name: name ?? id,
    mode,
    maxParallel,
    createdAt: ctx.now,
    createdBy: ctx.caller.agent,
    expiresAt: ttlMs === undefined ? null : ctx.now + Math.min(ttlMs, DURATION_MS_MAX),
    closedAt: null,
  };
  if (yield* sessions.insertWorkSession(session)) {
    yield* appendEvents(ctx, [
      { type: "session.opened", agent: ctx.caller.agent, data: { session: id, name: session.name, mode } },
    ]);
    return { session, created: true };
  }
  const known = yield* sessions.findWorkSession(session.name);
  if (known && known.mode === mode && known.maxParallel === maxParallel && ttl === undefined) {
    return { session: known, created: false };
  }
  const message = `A session "${session.name}" is open already, with other defaults: close it, or choose another name.`;
  throw new BatonError("conflict", message, {
    details: known ? { session: sessionView(known, ctx.now) } : {},
    next: [callOperation("close_session", { session: session.name })],
  });
}

/** The open session of an id or a name. Errors: `not_found`; `invalid_transition` for one that is closed or whose time is over. */
export function* requireOpenSession(ctx: EngineContext, reference: string): Tx<WorkSession> {
  const session = yield* requireSession(reference);
  const status = statusAt(session, ctx.now);
  if (status === "open") return session;
  const message = `The session "${session.name}" is ${status}: open one with create_session, or start the run without.`;
  throw new BatonError("invalid_transition", message, {
    details: { session: session.id, status },
    next: [callOperation("create_session", { name: session.name, mode: session.mode })],
  });
}

function* requireSession(reference: string): Tx<WorkSession> {
  const session = yield* sessions.findWorkSession(reference);
  if (session) return session;
  throw new BatonError("not_found", `There is no session "${reference}".`, {
    details: { session: reference },
    next: [{ tool: "query_operation", arguments: { name: "list_sessions", arguments: {} } }],
  });
}

/** Closes a session: no run takes its defaults any more, those that have go on. One that has ended stays as it is. Errors: `not_found`. */
export function* closeSession(ctx: EngineContext, reference: string): Tx<WorkSession> {
  const session = yield* requireSession(reference);
  if (statusAt(session, ctx.now) !== "open") return session;
  yield* sessions.setWorkSessionClosed(session.id, ctx.now);
  yield* appendEvents(ctx, [
    { type: "session.closed", agent: ctx.caller.agent, data: { session: session.id, name: session.name } },
  ]);
  return { ...session, closedAt: ctx.now };
}

/** A page of sessions, newest first, with how many runs each has had. */
export function* listSessions(ctx: EngineContext, { all, limit, cursor }: PageQuery & { readonly all: boolean }) {
  const openAt = all ? undefined : ctx.now;
  const found = yield* sessions.listWorkSessions({
    openAt,
    before: idOfCursor("worksession", cursor),
    limit: limit + 1,
  });
  const { page, next } = pageOf(found, limit, ({ id }) => id);
  const runs = yield* sessions.countSessionRuns(page.map(({ id }) => id));
  const lines = page.map((session) => ({ ...sessionView(session, ctx.now), runs: runs.get(session.id) ?? 0 }));
  return { sessions: lines, ...next };
}

/** Whether any session has ended longer ago than runs are kept, and none of its runs is under way. */
export function* anyOldSession(ctx: EngineContext): Tx<boolean> {
  return (yield* sessions.endedWorkSessions(ctx.now - ctx.settings.retention_ms, 1)).length > 0;
}

/** Removes such sessions, a few at a time; how many. */
export function* pruneSessions(ctx: EngineContext): Tx<number> {
  const old = yield* sessions.endedWorkSessions(ctx.now - ctx.settings.retention_ms, ROWS_AT_ONCE_MAX);
  yield* sessions.deleteWorkSessions(old);
  return old.length;
}

function statusAt({ closedAt, expiresAt }: WorkSession, now: number): "open" | "closed" | "expired" {
  if (expiresAt !== null && expiresAt <= Math.min(now, closedAt ?? now)) return "expired";
  return closedAt === null ? "open" : "closed";
}

export function sessionView(session: WorkSession, now: number) {
  return {
    id: session.id,
    name: session.name,
    status: statusAt(session, now),
    mode: session.mode,
    means: MODE_MEANING[session.mode],
    max_parallel_tasks: session.maxParallel,
    created_by: session.createdBy,
    created_at: iso(session.createdAt),
    expires_at: isoOrNull(session.expiresAt),
    ...(session.closedAt === null ? {} : { closed_at: iso(session.closedAt) }),
  };
}
