import type { AttemptError } from "../tasks/attempts.js";
import { chunksOf, conditionsOf, insertRows, int, intOrNull, json, placeholders, text, textOrNull } from "../rows.js";
import { first, type Row, type Tx } from "../tx.js";

export type DeadLetterStatus = "pending" | "replayed" | "resolved" | "discarded";

/** A task that could not be done, from its end until somebody has dealt with it. */
export interface DeadLetter {
  readonly id: string;
  readonly task: string;
  readonly run: string;
  readonly project: string;
  readonly status: DeadLetterStatus;
  readonly error: AttemptError;
  readonly createdAt: number;
  readonly closedAt: number | null;
  readonly closedBy: string | null;
  readonly note: string | null;
  /** When a pending one is tried again by itself. */
  readonly dueAt: number | null;
}

const COLUMNS = [
  "id",
  "task",
  "run",
  "project",
  "status",
  "error",
  "created_at",
  "closed_at",
  "closed_by",
  "note",
  "due_at",
];
const INSERT = { table: "dead_letters", columns: COLUMNS } as const;
const SELECTED = COLUMNS.join(", ");

function deadLetterOf(row: Row): DeadLetter {
  return {
    id: text(row, "id"),
    task: text(row, "task"),
    run: text(row, "run"),
    project: text(row, "project"),
    // Held to the union by the table's CHECK.
    status: text(row, "status") as DeadLetterStatus,
    error: json<AttemptError>(row, "error"),
    createdAt: int(row, "created_at"),
    closedAt: intOrNull(row, "closed_at"),
    closedBy: textOrNull(row, "closed_by"),
    note: textOrNull(row, "note"),
    dueAt: intOrNull(row, "due_at"),
  };
}

export type NewDeadLetter = Pick<DeadLetter, "id" | "task" | "run" | "project" | "error" | "createdAt" | "dueAt">;

export function* insertDeadLetters(deadLetters: readonly NewDeadLetter[]): Tx<void> {
  yield* insertRows(
    INSERT,
    deadLetters.map((deadLetter) => [
      deadLetter.id,
      deadLetter.task,
      deadLetter.run,
      deadLetter.project,
      "pending",
      JSON.stringify(deadLetter.error),
      deadLetter.createdAt,
      null,
      null,
      null,
      deadLetter.dueAt,
    ]),
  );
}

export function* findDeadLetter(id: string): Tx<DeadLetter | undefined> {
  const row = yield* first([`SELECT ${SELECTED} FROM dead_letters WHERE id = $1`, [id]]);
  return row && deadLetterOf(row);
}

export interface DeadLetterFilter {
  readonly run?: string | undefined;
  readonly project?: string | undefined;
  readonly status?: DeadLetterStatus | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Newest first. */
export function* listDeadLetters(filter: DeadLetterFilter): Tx<DeadLetter[]> {
  const { where, params } = conditionsOf([
    ["run =", filter.run],
    ["project =", filter.project],
    ["status =", filter.status],
    ["id <", filter.before],
  ]);
  // sql: the comparisons are those above.
  const sql = `SELECT ${SELECTED} FROM dead_letters ${where} ORDER BY id DESC LIMIT $${params.length + 1}`;
  const rows = yield [sql, [...params, filter.limit]];
  return rows.map(deadLetterOf);
}

export interface Closing {
  readonly id: string;
  readonly to: Exclude<DeadLetterStatus, "pending">;
  readonly at: number;
  readonly by: string;
  readonly note: string | null;
  /** Nobody has asked for it. */
  readonly automatic?: boolean;
}

/** False for one that has been dealt with already. */
export function* closeDeadLetter({ id, to, at, by, note, automatic = false }: Closing): Tx<boolean> {
  const rows = yield [
    `UPDATE dead_letters SET status = $1, closed_at = $2, closed_by = $3, note = $4, due_at = NULL, automatic = $5
     WHERE id = $6 AND status = 'pending' RETURNING id`,
    [to, at, by, note, automatic ? 1 : 0, id],
  ];
  return rows.length === 1;
}

/** The pending dead letter of a task; undefined when there is none. */
export function* openDeadLetterOf(task: string): Tx<string | undefined> {
  const row = yield* first([
    `SELECT id FROM dead_letters WHERE run = (SELECT run FROM tasks WHERE id = $1) AND task = $1 AND status = 'pending'
     ORDER BY id DESC LIMIT 1`,
    [task],
  ]);
  return row && text(row, "id");
}

/** Tasks of a run have been taken up again together. */
export function* replayDeadLettersOf(
  run: string,
  tasks: readonly string[],
  { at, by }: { at: number; by: string },
): Tx<void> {
  for (const chunk of chunksOf(tasks)) {
    yield [
      `UPDATE dead_letters SET status = 'replayed', closed_at = $1, closed_by = $2, due_at = NULL
       WHERE run = $3 AND status = 'pending' AND task IN (${placeholders(chunk.length, 4)})`,
      [at, by, run, ...chunk],
    ];
  }
}

/** A dead letter as a checkpoint keeps it. */
export type PendingDeadLetter = Pick<DeadLetter, "id" | "task" | "error">;

export function* pendingDeadLettersOf(run: string): Tx<PendingDeadLetter[]> {
  const rows = yield [
    "SELECT id, task, error FROM dead_letters WHERE run = $1 AND status = 'pending' ORDER BY id",
    [run],
  ];
  return rows.map((row) => ({ id: text(row, "id"), task: text(row, "task"), error: json<AttemptError>(row, "error") }));
}

/** Pending ones whose time has come, the earliest first. */
export function* dueDeadLetters(now: number, limit: number): Tx<string[]> {
  const rows = yield [
    "SELECT id FROM dead_letters WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2",
    [now, limit],
  ];
  return rows.map((row) => text(row, "id"));
}

/** It is not tried again by itself. */
export function* forgetDue(id: string): Tx<void> {
  yield ["UPDATE dead_letters SET due_at = NULL WHERE id = $1", [id]];
}

/** How often each of these tasks has been tried again by itself; none for one that never was. */
export function* automaticReplays(tasks: readonly string[]): Tx<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const chunk of chunksOf(tasks)) {
    const rows = yield [
      `SELECT task, count(*) AS replays FROM dead_letters WHERE automatic = 1 AND task IN (${placeholders(chunk.length)})
       GROUP BY task`,
      chunk,
    ];
    for (const row of rows) counts.set(text(row, "task"), int(row, "replays"));
  }
  return counts;
}

const CLOSED_BEFORE = "closed_at IS NOT NULL AND closed_at < $1";

export function* anyClosedBefore(instant: number): Tx<boolean> {
  return (yield [`SELECT 1 AS found FROM dead_letters WHERE ${CLOSED_BEFORE} LIMIT 1`, [instant]]).length > 0;
}

/** Removes the longest closed ones; how many. */
export function* deleteClosedBefore(instant: number, limit: number): Tx<number> {
  const rows = yield [
    `DELETE FROM dead_letters WHERE id IN (
       SELECT id FROM dead_letters WHERE ${CLOSED_BEFORE} ORDER BY closed_at LIMIT $2) RETURNING id`,
    [instant, limit],
  ];
  return rows.length;
}
