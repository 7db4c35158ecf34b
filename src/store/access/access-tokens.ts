import { PERMISSION_ROLES } from "../../base/statuses.js";
import {
  flag,
  hit,
  hits,
  idOf,
  int,
  intOrNull,
  jsonOrNull,
  many,
  manyIn,
  one,
  oneOf,
  placeholders,
  sole,
  text,
  textOrNull,
} from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

const ACCESS_TOKENS = table("access_tokens", {
  id: text,
  kind: oneOf(["program", "browser"]),
  /** SHA-256 of its secret, in hex. */
  hash: text,
  name: text,
  role: oneOf(PERMISSION_ROLES),
  /** Agents that it may act as; null: any. */
  agents: jsonOrNull<readonly string[]>,
  /** The token that a browser was signed in with. */
  parent: textOrNull,
  createdAt: int,
  createdBy: text,
  expiresAt: intOrNull,
  revokedAt: intOrNull,
  revokedBy: textOrNull,
  usedAt: intOrNull,
  /** Whether a person sits at its client and answers its forms. */
  attended: flag,
});
export interface AccessToken extends RowOf<typeof ACCESS_TOKENS> {}

const INSERT = insertInto(ACCESS_TOKENS);

export function* insertAccessToken(token: AccessToken): Tx<void> {
  yield INSERT([token]);
}

export function* findAccessToken(id: string): Tx<AccessToken | undefined> {
  return yield* one(ACCESS_TOKENS.read, [`SELECT ${ACCESS_TOKENS.columns} FROM access_tokens WHERE id = $1`, [id]]);
}

/** In order of creation, from after `after`. */
export function* listAccessTokens(page: { readonly after?: string | undefined; readonly limit: number }) {
  return yield* many(ACCESS_TOKENS.read, [
    `SELECT ${ACCESS_TOKENS.columns} FROM access_tokens WHERE id > $1 ORDER BY id LIMIT $2`,
    [page.after ?? "", page.limit],
  ]);
}

/** How many tokens there are that let in now. */
export function* countLiveTokens(now: number): Tx<number> {
  const { n } = yield* sole(
    (row) => ({ n: int(row, "n") }),
    [
      "SELECT count(*) AS n FROM access_tokens WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)",
      [now],
    ],
  );
  return n;
}

/** Whether there is a token now that a program can come in with. */
export function* hasLiveProgram(now: number): Tx<boolean> {
  return yield* hit([
    `SELECT 1 FROM access_tokens
     WHERE kind = 'program' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1) LIMIT 1`,
    [now],
  ]);
}

/** Tokens, of these, that let in now. */
export function* liveTokensAmong(ids: readonly string[], now: number): Tx<string[]> {
  return yield* manyIn(idOf, ids, (chunk) => [
    `SELECT id FROM access_tokens
     WHERE id IN (${placeholders(chunk.length)}) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $${chunk.length + 1})`,
    [...chunk, now],
  ]);
}

export interface Revocation {
  readonly id: string;
  readonly at: number;
  readonly by: string;
}

/** Revokes a token, with the browsers that were signed in with it. Returns how many that were. */
export function* revokeAccessToken({ id, at, by }: Revocation): Tx<number> {
  return yield* hits([
    `UPDATE access_tokens SET revoked_at = $1, revoked_by = $2
     WHERE revoked_at IS NULL AND (id = $3 OR parent = $3) RETURNING id`,
    [at, by, id],
  ]);
}

/** Records that a token is in use, unless that was recorded since `before`. */
export function* recordAccess(id: string, now: number, before: number): Tx<void> {
  yield [
    "UPDATE access_tokens SET used_at = $1 WHERE id = $2 AND (used_at IS NULL OR used_at < $3)",
    [now, id, before],
  ];
}

/** Removes browsers that were over before an instant. */
export function* removeOldBrowsers(before: number): Tx<void> {
  yield ["DELETE FROM access_tokens WHERE kind = 'browser' AND expires_at < $1", [before]];
}
