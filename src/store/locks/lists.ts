import { type Lock, LOCKS, SELECT_LOCKS } from "./locks.js";
import { many, int, sole } from "../rows.js";
import { columns, type RowOf } from "../tables.js";
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

const LOCK_COUNTS = columns({ active_locks: int, locked_files: int });

/** How many requests' locks, and on how many paths, the running tasks of a run hold. */
export function* lockCountsOfRun(run: string): Tx<RowOf<typeof LOCK_COUNTS>> {
  return yield* sole(LOCK_COUNTS.read, [
    `SELECT count(DISTINCT l.request) AS active_locks, count(l.id) AS locked_files FROM tasks t JOIN file_locks l ON l.owner = t.id
     WHERE t.run = $1 AND t.status = 'running' AND l.state = 'held'`,
    [run],
  ]);
}
