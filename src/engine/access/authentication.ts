import { timingSafeEqual } from "node:crypto";
import { BatonError } from "../../base/errors.js";
import { type BearerToken, hashOfSecret } from "../../base/secrets/access-tokens.js";
import * as tokens from "../../store/access/access-tokens.js";
import type { AccessToken } from "../../store/access/access-tokens.js";
import { appendEvents } from "../../store/events/events.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { requireCapacity, statusOf } from "./access-tokens.js";

/** Why a token does not let in. `unknown` is one of another form too. */
export type AccessRefusal = "unknown" | "wrong_secret" | "expired" | "revoked";

export type AccessVerdict =
  | { readonly token: AccessToken; readonly refused?: undefined }
  | { readonly refused: AccessRefusal; readonly token?: AccessToken | undefined };

/** Compared where there is no such token: an answer takes the same time. */
const NO_HASH = "0".repeat(64);

/** Says whether a token lets in. The secret is compared in constant time, before anything of the token is told. */
export function* authenticate(ctx: EngineContext, { id, secret }: BearerToken): Tx<AccessVerdict> {
  const token = yield* tokens.findAccessToken(id);
  const isRight = timingSafeEqual(Buffer.from(hashOfSecret(secret)), Buffer.from(token?.hash ?? NO_HASH));
  if (token === undefined) return { refused: "unknown" };
  if (!isRight) return { refused: "wrong_secret", token };
  const status = statusOf(token, ctx.now);
  return status === "active" ? { token } : { refused: status, token };
}

/** How long a browser stays signed in, and an ended one is kept. */
const BROWSER_MS = 12 * 3_600_000;
const ENDED_BROWSER_MS = 24 * 3_600_000;

export interface NewBrowser {
  /** The person who sits at it. */
  readonly name: string;
  /** Of its secret. */
  readonly hash: string;
  /** Id of the token that it is signed in with; absent where the link of a server on this machine did it. */
  readonly parent?: string | undefined;
}

/** Signs a person's browser in, until when it says. Errors: `not_permitted` for a token that is no person's. */
export function* signIn(
  ctx: EngineContext,
  { name, hash, parent: parentId }: NewBrowser,
): Tx<{ readonly id: string; readonly expiresAt: number }> {
  const parent = parentId === undefined ? undefined : yield* requirePersonsToken(ctx, parentId);
  yield* requireCapacity(ctx);
  const expiresAt = Math.min(ctx.now + BROWSER_MS, parent?.expiresAt ?? Infinity);
  const browser: AccessToken = {
    id: ctx.newId("token"),
    kind: "browser",
    hash,
    name,
    role: "human",
    agents: null,
    parent: parent?.id ?? null,
    createdAt: ctx.now,
    createdBy: name,
    expiresAt,
    revokedAt: null,
    revokedBy: null,
    usedAt: null,
    attended: false,
  };
  yield* tokens.insertAccessToken(browser);
  yield* tokens.removeOldBrowsers(ctx.now - ENDED_BROWSER_MS);
  const data = { access: browser.id, ...(parent && { with: parent.id }) };
  yield* appendEvents(ctx, [{ type: "access.signed_in", agent: name, data }]);
  return { id: browser.id, expiresAt };
}

function* requirePersonsToken(ctx: EngineContext, id: string): Tx<AccessToken> {
  const token = yield* tokens.findAccessToken(id);
  if (token?.role === "human" && statusOf(token, ctx.now) === "active") return token;
  const role = token === undefined ? "none" : token.role;
  const message = `A browser is signed in by a person's token, and the role of this one is ${role}. A person makes one at a terminal: baton token create --role human.`;
  throw new BatonError("not_permitted", message, { details: { role, permitted: ["human"] } });
}

/** Signs a browser out. Again changes nothing. */
export function* signOut(ctx: EngineContext, id: string): Tx<void> {
  const browser = yield* tokens.findAccessToken(id);
  if (browser === undefined) return;
  const by = browser.createdBy;
  if ((yield* tokens.revokeAccessToken({ id, at: ctx.now, by })) === 0) return;
  yield* appendEvents(ctx, [{ type: "access.revoked", agent: by, data: { access: id, name: browser.name } }]);
}

/** Whether there is a token that a program could come in with. */
export function letsAnyIn(ctx: EngineContext): Tx<boolean> {
  return tokens.hasLiveProgram(ctx.now);
}

/** Tokens, of these, that still let in. */
export function* stillLetIn(ctx: EngineContext, ids: readonly string[]): Tx<ReadonlySet<string>> {
  return new Set(yield* tokens.liveTokensAmong(ids, ctx.now));
}

/** How often the use of a token is written. */
const USE_RECORDED_MS = 3_600_000;

export function* recordUse(ctx: EngineContext, id: string): Tx<void> {
  yield* tokens.recordAccess(id, ctx.now, ctx.now - USE_RECORDED_MS);
}

/** Refusals of one kind since they were recorded last. */
export interface Refusals {
  readonly why: AccessRefusal | "missing" | "not_trusted";
  /** Id, where there is such a token. */
  readonly token?: string | undefined;
  readonly count: number;
}

/** Writes refusals into the history: one event for each kind, however many there were. */
export function* recordRefusals(ctx: EngineContext, refusals: readonly Refusals[]): Tx<void> {
  yield* appendEvents(
    ctx,
    refusals.map(({ why, token, count }) => ({
      type: "access.refused",
      data: { why, ...(token && { access: token }), count },
    })),
  );
}
