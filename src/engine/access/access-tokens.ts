import { durationProblem, parseDuration } from "../../base/durations.js";
import { BatonError } from "../../base/errors.js";
import { idOfCursor, type PageQuery, pageOf } from "../../base/lists/paging.js";
import { isName, NAME_RULE } from "../../base/names.js";
import type { AccessTokenStatus, PermissionRole } from "../../base/statuses.js";
import { iso } from "../../base/time.js";
import * as tokens from "../../store/access/access-tokens.js";
import type { AccessToken } from "../../store/access/access-tokens.js";
import { appendEvents } from "../../store/events/events.js";
import type { Tx } from "../../store/tx.js";
import { RESERVED_HANDLES } from "../agents/agents.js";
import type { EngineContext } from "../context.js";

export interface NewAccessToken {
  readonly role: PermissionRole;
  readonly agents?: readonly string[] | undefined;
  /** Whether a person sits at its client and answers its forms. */
  readonly attended?: boolean | undefined;
  readonly name?: string | undefined;
  readonly expires?: string | number | undefined;
  /** Of its secret. */
  readonly hash: string;
}

/** Live tokens at once, browsers included. */
const TOKENS_MAX = 2_000;
const NEVER = "never";
const DEFAULT_EXPIRY = "90d";

/** Makes a token. Errors: `invalid_input`; `limit_exceeded` beside too many. */
export function* createAccessToken(ctx: EngineContext, wanted: NewAccessToken): Tx<AccessToken> {
  const { role, hash, attended = false } = wanted;
  if (attended && role === "human")
    throw invalid("attended", "A person's token decides as that person; an attended one is an agent's. Leave one out.");
  const agents = subjectsOf(wanted);
  // A person acts under the name of their token.
  const name = wanted.name ?? agents?.[0] ?? (role === "human" ? ctx.caller.agent : role);
  if (!isName(name) || RESERVED_HANDLES.has(name))
    throw invalid("name", `"${name}" cannot name a token: it needs ${NAME_RULE}, and is no name of the server's own.`);
  yield* requireCapacity(ctx);
  const token: AccessToken = {
    id: ctx.newId("token"),
    kind: "program",
    hash,
    name,
    role,
    agents,
    parent: null,
    createdAt: ctx.now,
    createdBy: ctx.caller.agent,
    expiresAt: expiryOf(ctx.now, wanted.expires ?? DEFAULT_EXPIRY),
    revokedAt: null,
    revokedBy: null,
    usedAt: null,
    attended,
  };
  yield* tokens.insertAccessToken(token);
  const facts = { ...(agents && { agents }), ...(attended && { attended }) };
  const data = { access: token.id, name, role, ...facts, expires_at: isoOf(token.expiresAt) };
  yield* appendEvents(ctx, [{ type: "access.granted", agent: ctx.caller.agent, data }]);
  return token;
}

export function* requireCapacity(ctx: EngineContext): Tx<void> {
  if ((yield* tokens.countLiveTokens(ctx.now)) < TOKENS_MAX) return;
  throw new BatonError("limit_exceeded", `${TOKENS_MAX} access tokens are live already: revoke some.`, {
    details: { tokens_max: TOKENS_MAX },
    next: [{ tool: "query_operation", arguments: { name: "list_access_tokens", arguments: {} } }],
  });
}

function subjectsOf({ role, agents }: NewAccessToken): readonly string[] | null {
  if (agents === undefined) return null;
  if (role === "human") throw invalid("agents", "A person's token is for a person, not for agents. Leave agents out.");
  const wrong = agents.find((agent) => !isName(agent) || RESERVED_HANDLES.has(agent));
  if (wrong !== undefined) throw invalid("agents", `"${wrong}" cannot be an agent's name: it needs ${NAME_RULE}.`);
  return [...new Set(agents)];
}

function expiryOf(now: number, expires: string | number): number | null {
  if (expires === NEVER) return null;
  const ms = parseDuration(expires);
  if (ms === undefined || ms === 0) throw invalid("expires", `${durationProblem(expires)}, or "never".`);
  return now + ms;
}

function invalid(path: string, message: string): BatonError {
  return new BatonError("invalid_input", `${path}: ${message} Nothing was made.`, { details: { path } });
}

/** Lists tokens in order of creation. */
export function* listAccessTokenPage(ctx: EngineContext, { cursor, limit }: PageQuery) {
  const found = yield* tokens.listAccessTokens({ after: idOfCursor("token", cursor), limit: limit + 1 });
  const { page, next } = pageOf(found, limit, ({ id }) => id);
  return { tokens: page.map((token) => accessTokenView(token, ctx.now)), ...next };
}

/** Revokes a token with the browsers signed in with it: from now on none of them lets in. Again changes nothing. Errors: `not_found`. */
export function* revokeAccessToken(ctx: EngineContext, id: string): Tx<AccessToken> {
  const token = yield* tokens.findAccessToken(id);
  if (token === undefined)
    throw new BatonError("not_found", `There is no access token ${id}.`, {
      details: { token: id },
      next: [{ tool: "query_operation", arguments: { name: "list_access_tokens", arguments: {} } }],
    });
  const by = ctx.caller.agent;
  if ((yield* tokens.revokeAccessToken({ id, at: ctx.now, by })) === 0) return token;
  yield* appendEvents(ctx, [{ type: "access.revoked", agent: by, data: { access: id, name: token.name } }]);
  return { ...token, revokedAt: token.revokedAt ?? ctx.now, revokedBy: token.revokedBy ?? by };
}

export function statusOf({ revokedAt, expiresAt }: AccessToken, now: number): AccessTokenStatus {
  if (revokedAt !== null) return "revoked";
  return expiresAt !== null && expiresAt <= now ? "expired" : "active";
}

/** A token as answers show it: without its hash. */
export function accessTokenView(token: AccessToken, now: number) {
  const { id, kind, name, role, agents, attended, createdAt, createdBy, expiresAt, revokedAt, revokedBy, usedAt } =
    token;
  return {
    id,
    kind,
    name,
    role,
    ...(agents !== null && { agents }),
    ...(attended && { attended }),
    status: statusOf(token, now),
    created_at: iso(createdAt),
    created_by: createdBy,
    ...(expiresAt !== null && { expires_at: iso(expiresAt) }),
    ...(revokedAt !== null && { revoked_at: iso(revokedAt) }),
    ...(revokedBy !== null && { revoked_by: revokedBy }),
    ...(usedAt !== null && { used_at: iso(usedAt) }),
  };
}

function isoOf(at: number | null): string {
  return at === null ? NEVER : iso(at);
}
