import { DEAD_LETTER_STATUSES, type DeadLetterStatus } from "../../base/statuses.js";
import type { AttemptError } from "../tasks/attempts.js";
import {
  many,
  mapIn,
  conditionsOf,
  eachIn,
  hit,
  hits,
  idOf,
  int,
  intOrNull,
  json,
  one,
  oneOf,
  placeholders,
  text,
  textOrNull,
} from "../rows.js";
import { insertInto, insertRows, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const DEAD_LETTERS = table("dead_letters", {
  id: text,
  task: text,
  run: text,
  project: text,
  status: oneOf(DEAD_LETTER_STATUSES),
  error: json<AttemptError>,
  createdAt: int,
  closedAt: intOrNull,
  closedBy: textOrNull,
  note: textOrNull,
  /** When a pending one is tried again by itself. */
  dueAt: intOrNull,
});
/** A permanently failed task, until its dead letter is replayed, resolved or discarded. */
export interface DeadLetter extends RowOf<typeof DEAD_LETTERS> {}

const INSERT = insertInto(DEAD_LETTERS);

export type NewDeadLetter = Pick<DeadLetter, "id" | "task" | "run" | "project" | "error" | "createdAt" | "dueAt">;

export function insertDeadLetters(deadLetters: readonly NewDeadLetter[]): Tx<void> {
  return insertRows(
    INSERT,
    deadLetters.map((deadLetter) => ({
      ...deadLetter,
      status: "pending" as const,
      closedAt: null,
      closedBy: null,
      note: null,
    })),
  );
}

export function* findDeadLetter(id: string): Tx<DeadLetter | undefined> {
  return yield* one(DEAD_LETTERS.read, [`SELECT ${DEAD_LETTERS.columns} FROM dead_letters WHERE id = $1`, [id]]);
}

export interface DeadLetterFilter {
  readonly run?: string | undefined;
  readonly task?: string | undefined;
  readonly project?: string | undefined;
  readonly status?: DeadLetterStatus | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Newest first. */
export function* listDeadLetters(filter: DeadLetterFilter): Tx<DeadLetter[]> {
  const { where, params } = conditionsOf([
    ["run =", filter.run],
    ["task =", filter.task],
    ["project =", filter.project],
    ["status =", filter.status],
    ["id <", filter.before],
  ]);
  // sql: the comparisons are those above.
  const sql = `SELECT ${DEAD_LETTERS.columns} FROM dead_letters ${where} ORDER BY id DESC LIMIT $${params.length + 1}`;
  return yield* many(DEAD_LETTERS.read, [sql, [...params, filter.limit]]);
}

export interface DeadLetterClosing {
  readonly id: string;
  readonly to: Exclude<DeadLetterStatus, "pending">;
  readonly at: number;
  readonly by: string;
  readonly note: string | null;
  /** Set for an automatic replay. */
  readonly automatic?: boolean;
}

/** False for one that has been dealt with already. */
export function* closeDeadLetter({ id, to, at, by, note, automatic = false }: DeadLetterClosing): Tx<boolean> {
  return yield* hit([
    `UPDATE dead_letters SET status = $1, closed_at = $2, closed_by = $3, note = $4, due_at = NULL, automatic = $5
     WHERE id = $6 AND status = 'pending' RETURNING id`,
    [to, at, by, note, automatic ? 1 : 0, id],
  ]);
}

/** Returns the pending dead letter of a task; undefined without one. */
export function* openDeadLetterOf(task: string): Tx<string | undefined> {
  return yield* one(idOf, [
    `SELECT id FROM dead_letters WHERE run = (SELECT run FROM tasks WHERE id = $1) AND task = $1 AND status = 'pending'
     ORDER BY id DESC LIMIT 1`,
    [task],
  ]);
}

/** Returns the newest dead letter of a task, whatever became of it; undefined without one. */
export function* newestDeadLetterOf(task: string): Tx<string | undefined> {
  return yield* one(idOf, [
    `SELECT id FROM dead_letters WHERE run = (SELECT run FROM tasks WHERE id = $1) AND task = $1 ORDER BY id DESC LIMIT 1`,
    [task],
  ]);
}

/** Closes the pending dead letters of tasks that were reopened, or given up, together. */
export function* closeDeadLettersOf(
  run: string,
  tasks: readonly string[],
  { to, at, by, note }: Omit<DeadLetterClosing, "id" | "automatic">,
): Tx<void> {
  yield* eachIn(tasks, (chunk) => [
    `UPDATE dead_letters SET status = $1, closed_at = $2, closed_by = $3, note = $4, due_at = NULL
       WHERE run = $5 AND status = 'pending' AND task IN (${placeholders(chunk.length, 6)})`,
    [to, at, by, note, run, ...chunk],
  ]);
}

const PENDING = DEAD_LETTERS.pick("id", "task", "error");
/** A dead letter as far as a copy of its run says it again. */
export interface PendingDeadLetter extends RowOf<typeof PENDING> {}

export function* pendingDeadLettersOf(run: string): Tx<PendingDeadLetter[]> {
  return yield* many(PENDING.read, [
    `SELECT ${PENDING.columns} FROM dead_letters WHERE run = $1 AND status = 'pending' ORDER BY id`,
    [run],
  ]);
}

/** Pending ones whose time has come, the earliest first. */
export function* dueDeadLetters(now: number, limit: number): Tx<string[]> {
  return yield* many(idOf, [
    "SELECT id FROM dead_letters WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2",
    [now, limit],
  ]);
}

/** It is not tried again by itself. */
export function* forgetDue(id: string): Tx<void> {
  yield ["UPDATE dead_letters SET due_at = NULL WHERE id = $1", [id]];
}

/** How often each of these tasks has been tried again by itself; none for one that never was. */
export function* automaticReplays(tasks: readonly string[]): Tx<ReadonlyMap<string, number>> {
  return yield* mapIn(
    (row) => [text(row, "task"), int(row, "replays")],
    tasks,
    (chunk) => [
      `SELECT task, count(*) AS replays FROM dead_letters WHERE automatic = 1 AND task IN (${placeholders(chunk.length)})
     GROUP BY task`,
      chunk,
    ],
  );
}

const CLOSED_BEFORE = "closed_at IS NOT NULL AND closed_at < $1";

export function* anyClosedBefore(instant: number): Tx<boolean> {
  return yield* hit([`SELECT 1 AS found FROM dead_letters WHERE ${CLOSED_BEFORE} LIMIT 1`, [instant]]);
}

/** Removes the longest closed ones; how many. */
export function* deleteClosedBefore(instant: number, limit: number): Tx<number> {
  return yield* hits([
    `DELETE FROM dead_letters WHERE id IN (
       SELECT id FROM dead_letters WHERE ${CLOSED_BEFORE} ORDER BY closed_at LIMIT $2) RETURNING id`,
    [instant, limit],
  ]);
}
