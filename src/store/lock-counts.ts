import { int } from "./rows.js";
import { first, type Tx } from "./tx.js";

/** How many requests' locks, and on how many paths, the running tasks of a run hold. */
export function* lockCountsOfRun(run: string): Tx<{ active_locks: number; locked_files: number }> {
  const row = yield* first([
    `SELECT count(DISTINCT l.request) AS locks, count(l.id) AS files FROM tasks t JOIN file_locks l ON l.task = t.id
     WHERE t.run = $1 AND t.status = 'running' AND l.state = 'held'`,
    [run],
  ]);
  return row
    ? { active_locks: int(row, "locks"), locked_files: int(row, "files") }
    : { active_locks: 0, locked_files: 0 };
}
