import { type Lock, LOCKS, SELECT_LOCKS } from "./locks.js";
import { many, int } from "../rows.js";
import { first, type Tx } from "../tx.js";

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

/** How many requests' locks, and on how many paths, the running tasks of a run hold. */
export function* lockCountsOfRun(run: string): Tx<{ active_locks: number; locked_files: number }> {
  const row = yield* first([
    `SELECT count(DISTINCT l.request) AS locks, count(l.id) AS files FROM tasks t JOIN file_locks l ON l.owner = t.id
     WHERE t.run = $1 AND t.status = 'running' AND l.state = 'held'`,
    [run],
  ]);
  return row
    ? { active_locks: int(row, "locks"), locked_files: int(row, "files") }
    : { active_locks: 0, locked_files: 0 };
}
