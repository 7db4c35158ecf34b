import { type Lock, LOCKS, SELECT_LOCKS } from "./locks.js";
import { many, int, only, sole, text } from "../rows.js";
import type { Tx } from "../tx.js";

export interface LockFilter {
  readonly project: string;
  readonly agent?: string | undefined;
  readonly run?: string | undefined;
  /** Locks after this one, in order of prefix and id. */
  readonly after?: { readonly prefix: string; readonly id: string } | undefined;
  readonly limit: number;
}

/** The locks of a project in order of their paths, at most `limit`. */
export function* listLocks(now: number, filter: LockFilter): Tx<Lock[]> {
  return yield* many(LOCKS.read, [
    `${SELECT_LOCKS} WHERE l.project = $2 AND (l.prefix > $3 OR (l.prefix = $3 AND l.id > $4))
      AND ($5 = '' OR l.agent = $5) AND ($6 = '' OR t.run = $6)
     ORDER BY l.prefix, l.id LIMIT $7`,
    [
      now,
      filter.project,
      filter.after?.prefix ?? "",
      filter.after?.id ?? "",
      filter.agent ?? "",
      filter.run ?? "",
      filter.limit,
    ],
  ]);
}

/** The locks of every project, by project in order of their paths, at most `limit`. */
export function* listLocksEverywhere(now: number, limit: number): Tx<Lock[]> {
  return yield* many(LOCKS.read, [`${SELECT_LOCKS} ORDER BY l.project, l.prefix, l.id LIMIT $2`, [now, limit]]);
}

const HELD = `FROM tasks t JOIN file_locks l ON l.owner = t.id WHERE t.agent IS NOT NULL AND t.run || '' = $1 AND l.state = 'held' AND l.mode <> 'intent'`;
const COUNT_HELD = `SELECT count(*) AS locks ${HELD}`;
const PATHS_HELD = `SELECT DISTINCT l.path ${HELD} ORDER BY l.path LIMIT $2`;

/** How many patterns the running tasks of a run have locked, and the first of their paths. */
export function* heldLocksOfRun(run: string, limit: number): Tx<{ active_locks: number; locked_files: string[] }> {
  const locks = yield* sole(only("locks", int), [COUNT_HELD, [run]]);
  return { active_locks: locks, locked_files: yield* many(only("path", text), [PATHS_HELD, [run, limit]]) };
}
