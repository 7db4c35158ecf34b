import { int, json, one, text } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export type ImportedTask = readonly [ref: string, key: string, digest: string];

export const IMPORTS = table("imports", {
  run: text,
  project: text,
  format: text,
  /** Tells the plans of a project apart. */
  source: text,
  /** `[ref, key, digest]` of each task. */
  tasks: json<readonly ImportedTask[]>,
  createdAt: int,
  updatedAt: int,
});
export interface ImportRow extends RowOf<typeof IMPORTS> {}

const NEWEST = `SELECT ${IMPORTS.columns} FROM imports WHERE project = $1 AND source = $2 ORDER BY created_at DESC, run DESC LIMIT 1`;

/** The newest import of a source. */
export function* findImport(project: string, source: string): Tx<ImportRow | undefined> {
  return yield* one(IMPORTS.read, [NEWEST, [project, source]]);
}

const OF_RUN = `SELECT ${IMPORTS.columns} FROM imports WHERE run = $1`;

/** The import that a run was made of, or is kept up to date by. */
export function* findImportOfRun(run: string): Tx<ImportRow | undefined> {
  return yield* one(IMPORTS.read, [OF_RUN, [run]]);
}

const SAVE = insertInto(
  IMPORTS,
  "ON CONFLICT (run) DO UPDATE SET tasks = excluded.tasks, updated_at = excluded.updated_at",
);

export function* saveImport(row: ImportRow): Tx<void> {
  yield SAVE([row]);
}
