import type { TaskStatus } from "../../base/statuses.js";
import { bySize, chunksOf, placeholders, text } from "../rows.js";
import type { Row, Tx } from "../tx.js";
import { TASKS, type Task } from "./tasks.js";
import { inOrder } from "./transitions.js";

/** Tasks to open again: all of a run in a state, or those of these that are in it. */
export type Reopening = { readonly from: TaskStatus } & (
  | { readonly run: string }
  | { readonly tasks: readonly string[] }
);

const AS_IF_NEVER_TRIED = `status = 'pending', failures = 0, losses = 0, percent_max = 0, lost_by = NULL, ended_at = NULL, reasons = NULL, due_at = reserved_until, close_by = NULL,
  available_at = NULL`;
const REOPEN_OF_RUN = `UPDATE tasks SET ${AS_IF_NEVER_TRIED} WHERE status = $1 AND run = $2 RETURNING ${TASKS.columns}`;
const REOPEN_THESE = bySize(
  (size) =>
    `UPDATE tasks SET ${AS_IF_NEVER_TRIED} WHERE status = $1 AND id IN (${placeholders(size, 2)}) RETURNING ${TASKS.columns}`,
);

/** dead_letter, blocked or skipped → pending, as if never tried. Gives the tasks as they are then. */
export function* reopenTasks(which: Reopening): Tx<Task[]> {
  if ("run" in which) return inOrder(yield [REOPEN_OF_RUN, [which.from, which.run]]);
  const rows: Row[] = [];
  for (const chunk of chunksOf(which.tasks)) rows.push(...(yield [REOPEN_THESE(chunk.length), [which.from, ...chunk]]));
  return inOrder(rows);
}

export interface Forgetting {
  readonly demand: string;
  /** The same work for any agent. */
  readonly unreserved: string;
  /** Whether the agent of the reservation has gone: then a reservation that lasts is forgotten too. */
  readonly gone: boolean;
}

/** Restores the earlier demand of pending tasks whose reservation has ended. */
export function* forgetReservations(run: string, { demand, unreserved, gone }: Forgetting): Tx<void> {
  yield [
    `UPDATE tasks SET demand = $1, reserved_for = NULL, reserved_until = NULL, due_at = CASE WHEN reserved_for IS NULL THEN due_at END
     WHERE run = $2 AND demand = $3 AND status = 'pending' AND (reserved_for IS NULL OR $4 = 1)`,
    [unreserved, run, demand, gone ? 1 : 0],
  ];
}

// sql: the states are those named below.
const countOf = (states: string) =>
  `(SELECT count(*) FROM dependencies d JOIN tasks n ON n.id = d.dependency WHERE d.task = tasks.id AND n.status IN (${states}))`;
// sql: the same.
const RECOUNT = `UPDATE tasks SET deps_succeeded = ${countOf("'succeeded'")}, deps_failed = ${countOf("'dead_letter', 'blocked'")},
  deps_skipped = ${countOf("'skipped', 'cancelled'")}`;

/** Counts the settled dependencies of every pending task of a run afresh, after some were reopened. */
export function* recountDependencies(run: string): Tx<Task[]> {
  return inOrder(yield [`${RECOUNT} WHERE run = $1 AND status = 'pending' RETURNING ${TASKS.columns}`, [run]]);
}

const RECOUNT_UNTRIED = bySize(
  (size) => `${RECOUNT} WHERE status = 'ready' AND attempt = 0
    AND id IN (SELECT task FROM dependencies WHERE dependency IN (${placeholders(size)})) RETURNING ${TASKS.columns}`,
);

/** Counts the dependencies of ready tasks that were never claimed and that depend on any of these, and returns them. */
export function* recountUntried(dependencies: readonly string[]): Tx<Task[]> {
  const rows = new Map<string, Row>();
  for (const chunk of chunksOf(dependencies))
    for (const row of yield [RECOUNT_UNTRIED(chunk.length), [...chunk]]) rows.set(text(row, "id"), row);
  return inOrder([...rows.values()]);
}

/** ready → pending, to be activated anew: expressions, if it has any, are read again. */
export function* takeBack(tasks: readonly string[]): Tx<void> {
  for (const chunk of chunksOf(tasks)) {
    yield [
      `UPDATE tasks SET status = 'pending', ready_at = NULL, close_by = NULL, due_at = reserved_until, reasons = NULL, timed = 1
       WHERE status = 'ready' AND id IN (${placeholders(chunk.length)})`,
      chunk,
      chunk.length,
    ];
  }
}

/** Tells the dependents of a task that was skipped that it is blocked now, and returns them as they are then. */
export function* failSkippedDependency(task: string): Tx<Task[]> {
  const rows = yield [
    `UPDATE tasks SET deps_skipped = deps_skipped - 1, deps_failed = deps_failed + 1
     WHERE id IN (SELECT task FROM dependencies WHERE dependency = $1) RETURNING ${TASKS.columns}`,
    [task],
  ];
  return inOrder(rows);
}
