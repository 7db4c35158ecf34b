import type { LockMode } from "../../base/statuses.js";
import { hit, int, json, many, one, oneOf, text } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

/** The offer of a claim, or the paths of a lock request. */
export interface Wanted {
  readonly run?: string;
  readonly roles?: readonly string[];
  readonly capabilities?: readonly string[];
  readonly paths?: readonly { readonly path: string; readonly mode: LockMode }[];
}

export const WANTS = table("wants", {
  agent: text,
  kind: oneOf(["work", "files"]),
  project: text,
  wanted: json<Wanted>,
  since: int,
  until: int,
});
/** An agent that found what it wants in the hands of a silent one. Counts until its time is over. */
export interface Want extends RowOf<typeof WANTS> {}

// An agent that asks again before its time is over has wanted since its first call.
const SAVE = insertInto(
  WANTS,
  `ON CONFLICT (agent, kind) DO UPDATE SET since = CASE WHEN wants.until >= excluded.since AND wants.project = excluded.project
     THEN wants.since ELSE excluded.since END, project = excluded.project, wanted = excluded.wanted, until = excluded.until`,
);

export function* saveWant(want: Want): Tx<void> {
  yield SAVE([want]);
}

export function* findWant(agent: string, kind: Want["kind"]): Tx<Want | undefined> {
  return yield* one(WANTS.read, [`SELECT ${WANTS.columns} FROM wants WHERE agent = $1 AND kind = $2`, [agent, kind]]);
}

/** All of them, those that have wanted the longest first. */
export function* listWants(limit: number): Tx<Want[]> {
  return yield* many(WANTS.read, [`SELECT ${WANTS.columns} FROM wants ORDER BY since, agent, kind LIMIT $1`, [limit]]);
}

export function* deleteWant(agent: string, kind: Want["kind"]): Tx<void> {
  yield ["DELETE FROM wants WHERE agent = $1 AND kind = $2", [agent, kind]];
}

export function* isAnyWantBefore(until: number): Tx<boolean> {
  return yield* hit(["SELECT 1 AS one FROM wants WHERE until < $1 LIMIT 1", [until]]);
}

export function* deleteWantsBefore(until: number): Tx<void> {
  yield ["DELETE FROM wants WHERE until < $1", [until]];
}
