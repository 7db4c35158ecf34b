import { mapIn, flag, json, one, placeholders, text } from "../rows.js";
import { columns, insertInto, insertRows, named, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

/** Normalised paths as they are shown. */
export interface ScopePaths {
  readonly write: readonly string[];
  readonly read: readonly string[];
}

/** The paths of a task without files. */
export const NO_FILES: ScopePaths = { write: [], read: [] };

const INSERT = insertInto(
  table("scopes", { id: text, project: text, paths: named("patterns", json<ScopePaths>) }),
  "ON CONFLICT (id) DO NOTHING",
);

/** Keeps sets of files. The id is the hash of the content, so one that is there already is the same. */
export function* saveScopes(
  scopes: readonly { readonly id: string; readonly project: string; readonly paths: ScopePaths }[],
): Tx<void> {
  // In order of their ids: two that save the same sets at once then cannot wait for each other.
  const ordered = scopes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  yield* insertRows(INSERT, ordered);
}

/** Returns the stored file sets with these ids. */
export function* findScopes(ids: readonly string[]): Tx<Map<string, KeptScope>> {
  return yield* mapIn(
    (row) => [text(row, "id"), KEPT_SCOPES.read(row)],
    ids,
    (chunk) => [
      `SELECT s.id, s.patterns, p.case_insensitive FROM scopes s JOIN projects p ON p.id = s.project
     WHERE s.id IN (${placeholders(chunk.length)})`,
      chunk,
    ],
  );
}

const KEPT_SCOPES = columns({ paths: named("patterns", json<ScopePaths>), caseInsensitive: flag });
export interface KeptScope extends RowOf<typeof KEPT_SCOPES> {}

export function* findScope(id: string): Tx<KeptScope | undefined> {
  return yield* one(KEPT_SCOPES.read, [
    "SELECT s.patterns, p.case_insensitive FROM scopes s JOIN projects p ON p.id = s.project WHERE s.id = $1",
    [id],
  ]);
}
