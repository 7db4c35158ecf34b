import { chunksOf, int, json, one, placeholders, text } from "../rows.js";
import { insertInto, insertRows, named, table } from "../tables.js";
import type { Row, Tx } from "../tx.js";

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
  const found = new Map<string, KeptScope>();
  for (const chunk of chunksOf(ids)) {
    const rows = yield [
      `SELECT s.id, s.patterns, p.case_insensitive FROM scopes s JOIN projects p ON p.id = s.project
       WHERE s.id IN (${placeholders(chunk.length)})`,
      chunk,
    ];
    for (const row of rows) found.set(text(row, "id"), keptScopeOf(row));
  }
  return found;
}

export interface KeptScope {
  readonly paths: ScopePaths;
  readonly caseInsensitive: boolean;
}

function keptScopeOf(row: Row): KeptScope {
  return { paths: json<ScopePaths>(row, "patterns"), caseInsensitive: int(row, "case_insensitive") === 1 };
}

export function* findScope(id: string): Tx<KeptScope | undefined> {
  return yield* one(keptScopeOf, [
    "SELECT s.patterns, p.case_insensitive FROM scopes s JOIN projects p ON p.id = s.project WHERE s.id = $1",
    [id],
  ]);
}
