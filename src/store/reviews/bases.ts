import { int, list, one, text, textOrNull } from "../rows.js";
import { insertInto, named, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

const BASES = table("review_bases", {
  task: text,
  /** The work tree of its holder. */
  root: text,
  /** Null before the first commit. */
  commit: named("commit_id", textOrNull),
  at: int,
  /** Paths and globs of its diff, once it was completed. */
  files: list<string>,
});
/** The commit from which the work on a task that is to be reviewed began. */
export interface ReviewBase extends RowOf<typeof BASES> {}

const SAVE = insertInto(
  BASES,
  `ON CONFLICT (task) DO UPDATE SET root = excluded.root, commit_id = excluded.commit_id, at = excluded.at, files = excluded.files`,
);

export function* findBase(task: string): Tx<ReviewBase | undefined> {
  return yield* one(BASES.read, [`SELECT ${BASES.columns} FROM review_bases WHERE task = $1`, [task]]);
}

export function* saveBase(base: ReviewBase): Tx<void> {
  yield SAVE([base]);
}
