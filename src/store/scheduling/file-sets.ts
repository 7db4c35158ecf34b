import { chunksOf, insertRows, int, json, placeholders, text } from "../rows.js";
import { first, type Row, type Tx } from "../tx.js";

export type LockMode = "exclusive" | "shared";

/** Normalised paths as they are shown. */
export interface ScopePaths {
  readonly write: readonly string[];
  readonly read: readonly string[];
}

const INSERT = {
  table: "scopes",
  columns: ["id", "project", "patterns"],
  suffix: "ON CONFLICT (id) DO NOTHING",
} as const;

/** Keeps sets of files. The id is the hash of the content, so one that is there already is the same. */
export function* saveScopes(
  scopes: readonly { readonly id: string; readonly project: string; readonly paths: ScopePaths }[],
): Tx<void> {
  // In order of their ids: two that save the same sets at once then cannot wait for each other.
  const ordered = scopes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  yield* insertRows(
    INSERT,
    ordered.map(({ id, project, paths }) => [id, project, JSON.stringify(paths)]),
  );
}

/** Of those that are kept, by their ids. */
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
  const row = yield* first([
    "SELECT s.patterns, p.case_insensitive FROM scopes s JOIN projects p ON p.id = s.project WHERE s.id = $1",
    [id],
  ]);
  return row && keptScopeOf(row);
}
