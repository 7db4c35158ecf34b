import type { TaskStatus } from "../../base/statuses.js";
import { NO_DEADLINE, type Reason, TASKS, type Task } from "./tasks.js";
import { many, chunksOf, hits, int, intOrNull, only, placeholders, sole, text } from "../rows.js";
import type { Row, Tx } from "../tx.js";

/** The changes of a task's state: each fails unless it meets the state that it expects. */

/** ready → running, as `task` is from now on. */
export function* openAttempt(task: Task): Tx<void> {
  const { id, agent, session, demand, token, attempt, startedAt, leaseExpiresAt, dueAt, holdsFiles } = task;
  yield [
    `UPDATE tasks SET status = 'running', agent = $1, session = $2, token = $3, attempt = $4, started_at = $5, heartbeat_at = $5,
      lease_expires_at = $6, due_at = $7, percent = NULL, progress_note = NULL, slept_ms = 0, orders = NULL, reserved_for = NULL, reserved_until = NULL,
      holds_files = $8, demand = $9 WHERE id = $10 AND status = 'ready'`,
    [agent, session, token, attempt, startedAt, leaseExpiresAt, dueAt, holdsFiles ? 1 : 0, demand, id],
    1,
  ];
}

/** running → any: the attempt in the row, of a token, ends. `task` is the task from now on. */
export function* closeAttempt(task: Task, heldBy: number): Tx<void> {
  const { id, status, token, failures, endedAt, availableAt, readyAt, dueAt, reasons } = task;
  const { demand, reservedFor, reservedUntil } = task;
  yield [
    `UPDATE tasks SET status = $1, agent = NULL, session = NULL, lease_expires_at = NULL, orders = NULL, holds_files = 0, token = $2, failures = $3,
      losses = CASE WHEN $1 = 'succeeded' OR $1 = 'in_review' THEN 0 ELSE losses END, ended_at = $4, available_at = $5, ready_at = $6, due_at = $7, reasons = $8, demand = $9,
      reserved_for = $10, reserved_until = $11
     WHERE id = $12 AND token = $13 AND status = 'running'`,
    [
      status,
      token,
      failures,
      endedAt,
      availableAt,
      readyAt,
      dueAt,
      reasonsText(reasons),
      demand,
      reservedFor,
      reservedUntil,
      id,
      heldBy,
    ],
    1,
  ];
}

/** running → running: the task of a token goes on under another holder, in an attempt of its own. */
export function* handOver(task: Task, heldBy: number): Tx<void> {
  const { id, agent, session, demand, token, attempt, startedAt, leaseExpiresAt, dueAt } = task;
  yield [
    `UPDATE tasks SET agent = $1, session = $2, token = $3, attempt = $4, started_at = $5, heartbeat_at = $5, lease_expires_at = $6, due_at = $7,
      percent = NULL, progress_note = NULL, slept_ms = 0, reserved_for = NULL, reserved_until = NULL, demand = $8
     WHERE id = $9 AND token = $10 AND status = 'running'`,
    [agent, session, token, attempt, startedAt, leaseExpiresAt, dueAt, demand, id, heldBy],
    1,
  ];
}

/** Says of a task that is held to which agent it goes if it comes back, or that it goes to any. */
export function* reserveHeld({ id, token, demand, reservedFor, reservedUntil }: Task): Tx<void> {
  yield [
    `UPDATE tasks SET demand = $1, reserved_for = $2, reserved_until = $3 WHERE id = $4 AND token = $5 AND status = 'running'`,
    [demand, reservedFor, reservedUntil, id, token],
    1,
  ];
}

/** The column of reasons: null without any. */
function reasonsText(reasons: readonly Reason[]): string | null {
  return reasons.length === 0 ? null : JSON.stringify(reasons);
}

/** Counts a lost lease of a running task. `by` is the session that lost it, or the client's own. */
export function* recordLoss(task: string, by: string | null): Tx<void> {
  yield [
    "UPDATE tasks SET losses = losses + 1, losses_total = losses_total + 1, lost_by = $1 WHERE id = $2 AND status = 'running'",
    [by, task],
    1,
  ];
}

/** Takes the last loss back: the session that had lost the lease has the task again. */
export function* forgiveLoss(task: string): Tx<void> {
  yield [
    `UPDATE tasks SET losses = CASE WHEN losses > 0 THEN losses - 1 ELSE 0 END, losses_total = losses_total - 1, lost_by = NULL
     WHERE id = $1 AND lost_by IS NOT NULL`,
    [task],
  ];
}

/** pending → ready, for tasks that share a place in the order. */
export function* makeReady(
  tasks: readonly string[],
  ready: Pick<Task, "readyAt" | "bucket" | "closeBy" | "dueAt">,
): Tx<void> {
  for (const chunk of chunksOf(tasks)) {
    yield [
      `UPDATE tasks SET status = 'ready', ready_at = $1, available_at = NULL, bucket = $2, close_by = $3, due_at = $4, reasons = NULL
       WHERE status = 'pending' AND id IN (${placeholders(chunk.length, 5)})`,
      [ready.readyAt, ready.bucket, ready.closeBy, ready.dueAt, ...chunk],
      chunk.length,
    ];
  }
}

export interface Ending {
  readonly from: TaskStatus;
  readonly to: TaskStatus;
  readonly at: number;
  readonly reasons: readonly Reason[];
}

/** Moves tasks that no agent holds to an end state, for one reason. */
export function* endTasks(tasks: readonly string[], ending: Ending): Tx<void> {
  const reasons = reasonsText(ending.reasons);
  for (const chunk of chunksOf(tasks)) {
    yield [
      // A blocked task stays reserved: it may be reopened while the reservation lasts.
      `UPDATE tasks SET status = $1, ended_at = $2, reasons = $3, due_at = NULL,
         reserved_for = CASE WHEN $1 = 'blocked' THEN reserved_for END,
         reserved_until = CASE WHEN $1 = 'blocked' THEN reserved_until END
       WHERE status = $4 AND id IN (${placeholders(chunk.length, 5)})`,
      [ending.to, ending.at, reasons, ending.from, ...chunk],
      chunk.length,
    ];
  }
}

export type Settlement = "succeeded" | "failed" | "skipped";

const COUNT_SETTLED: Readonly<Record<Settlement, string>> = {
  succeeded: countSettled("deps_succeeded"),
  failed: countSettled("deps_failed"),
  skipped: countSettled("deps_skipped"),
};

function countSettled(column: string): string {
  // sql: the column is one of three.
  return `UPDATE tasks SET ${column} = ${column} + 1
    WHERE id IN (SELECT task FROM dependencies WHERE dependency = $1) RETURNING ${TASKS.columns}`;
}

/** Tells the dependents of a task that it has settled, and gives them as they are then. */
export function* settleDependency(task: string, as: Settlement): Tx<Task[]> {
  const rows = yield [COUNT_SETTLED[as], [task]];
  return inOrder(rows);
}

// RETURNING has no order of its own, and what is done with the tasks shows in answers and in the history.
export function inOrder(rows: readonly Row[]): Task[] {
  return rows.map(TASKS.read).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Records that a running task holds or waits for file locks, so that ending it locks the project first. */
export function* markHoldsFiles(task: string): Tx<void> {
  yield ["UPDATE tasks SET holds_files = 1 WHERE id = $1 AND status = 'running'", [task]];
}

export interface Heartbeat extends Pick<Task, "token" | "leaseExpiresAt" | "dueAt" | "percent"> {
  readonly task: string;
  /** The caller's, which takes the lease over; null leaves it where it is. */
  readonly session: string | null;
  readonly at: number;
  readonly note: string | null;
}

/** Renews the lease of the current token. A cancel that was ordered keeps its time. More percent than ever ends a row of losses. */
export function* recordHeartbeat(heartbeat: Heartbeat): Tx<void> {
  const { task, token, session, at, leaseExpiresAt, dueAt, percent, note } = heartbeat;
  yield [
    `UPDATE tasks SET heartbeat_at = $1, lease_expires_at = $2, session = COALESCE($4, session),
       due_at = CASE WHEN orders IS NOT NULL THEN due_at ELSE $3 END,
       losses = CASE WHEN $5 > percent_max THEN 0 ELSE losses END, percent_max = CASE WHEN $5 > percent_max THEN $5 ELSE percent_max END,
       percent = COALESCE($5, percent), progress_note = COALESCE($8, progress_note)
     WHERE id = $6 AND token = $7 AND status = 'running'`,
    [at, leaseExpiresAt, dueAt, session, percent, task, token, note],
    1,
  ];
}

/** The holder's session is over: from now on only the lease's own time keeps the task, until `dueAt` or longer where it is to end. */
export function* leaveSession(task: string, dueAt: number): Tx<void> {
  yield [
    `UPDATE tasks SET session = NULL, due_at = CASE WHEN orders IS NOT NULL THEN due_at ELSE $1 END
     WHERE id = $2 AND status = 'running'`,
    [dueAt, task],
  ];
}

/** Renews what an agent without a process holds. When the tick looks is left as it is: it looks again then. */
export function* renewLeases(agent: string, expiresAt: number): Tx<void> {
  yield [
    "UPDATE tasks SET lease_expires_at = $1 WHERE agent = $2 AND session IS NULL AND lease_expires_at < $1",
    [expiresAt, agent],
  ];
}

// The grace alone decides from then on: an instant at which the tick was to look for another reason may be long out of date.
const ORDER_CANCEL = `UPDATE tasks SET orders = 'cancel_requested',
  due_at = CASE WHEN orders = 'cancel_requested' AND due_at < $1 THEN due_at ELSE $1 END`;

/** Tells the holder, at its next call, to stop; the tick takes over at `dueAt`. */
export function* orderCancel(task: string, dueAt: number): Tx<void> {
  yield [`${ORDER_CANCEL} WHERE id = $2 AND status = 'running'`, [dueAt, task]];
}

/** Lets the holder go on after all. */
export function* liftPreemption(task: string, dueAt: number | null): Tx<void> {
  yield ["UPDATE tasks SET orders = NULL, due_at = $1 WHERE id = $2 AND orders = 'preempted'", [dueAt, task]];
}

/** Tells the holder, at its next call, to give the task back; the tick takes it at `dueAt`. */
export function* orderPreemption(task: string, dueAt: number): Tx<void> {
  yield [
    "UPDATE tasks SET orders = 'preempted', due_at = $1 WHERE id = $2 AND status = 'running' AND orders IS NULL",
    [dueAt, task],
  ];
}

/** Reserves a ready or pending task for one agent, or frees it again, as `task` is from now on. */
export function* reserve(task: Task): Tx<void> {
  yield [
    `UPDATE tasks SET demand = $1, reserved_for = $2, reserved_until = $3, due_at = $4
     WHERE id = $5 AND status IN ('pending', 'ready')`,
    [task.demand, task.reservedFor, task.reservedUntil, task.dueAt, task.id],
  ];
}

/** Cancels every unclaimed task of a run that is in one state. */
export function* cancelTasksInState(run: string, from: TaskStatus, at: number): Tx<{ count: number; workMs: number }> {
  const rows = yield [
    `UPDATE tasks SET status = 'cancelled', ended_at = $1, due_at = NULL, reserved_for = NULL, reserved_until = NULL
     WHERE run = $2 AND status = $3 RETURNING estimate_ms`,
    [at, run, from],
  ];
  return { count: rows.length, workMs: rows.reduce((sum, row) => sum + int(row, "estimate_ms"), 0) };
}

/** Blocks every task of a run that is in a state without a holder. */
export function* blockTasksInState(stop: {
  readonly run: string;
  readonly from: TaskStatus;
  readonly at: number;
  readonly reasons: readonly Reason[];
}): Tx<{ count: number; workMs: number }> {
  const rows = yield [
    `UPDATE tasks SET status = 'blocked', ended_at = $1, reasons = $2, due_at = NULL, available_at = NULL WHERE run = $3 AND status = $4 RETURNING estimate_ms`,
    [stop.at, JSON.stringify(stop.reasons), stop.run, stop.from],
  ];
  return { count: rows.length, workMs: rows.reduce((sum, row) => sum + int(row, "estimate_ms"), 0) };
}

/** Asks the holders of all running tasks of a run to stop. */
export function* orderCancelOfRun(run: string, dueAt: number): Tx<number> {
  return yield* hits([`${ORDER_CANCEL} WHERE run = $2 AND status = 'running' RETURNING id`, [dueAt, run]]);
}

const DUE =
  "SELECT id, kind FROM tasks WHERE due_at IS NOT NULL AND agent IS NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2";
const HELD_AND_DUE = "SELECT id, kind FROM tasks WHERE agent IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2";

/** Returns due tasks, at most `limit` unclaimed ones and as many claimed ones. */
export function* dueTasks(now: number, limit: number): Tx<{ id: string; kind: string }[]> {
  const unheld = yield [DUE, [now, limit]];
  const held = yield [HELD_AND_DUE, [now, limit]];
  return [...unheld, ...held].map((row) => ({ id: text(row, "id"), kind: text(row, "kind") }));
}

/** Whether a retry, a timer or a timeout of a task without a holder is due. */
export function* isAnyUnheldDue(now: number): Tx<boolean> {
  return (
    (yield ["SELECT 1 FROM tasks WHERE due_at IS NOT NULL AND agent IS NULL AND due_at <= $1 LIMIT 1", [now]]).length >
    0
  );
}

/** Returns when the next unclaimed task comes due, after an instant. */
export function* nextDueAt(after: number): Tx<number | undefined> {
  const sql = "SELECT min(due_at) AS at FROM tasks WHERE due_at IS NOT NULL AND agent IS NULL AND due_at > $1";
  return (yield* sole(only("at", intOrNull), [sql, [after]])) ?? undefined;
}

/** Moves the due instant, leaving all else. */
export function* setDue(task: string, dueAt: number | null): Tx<void> {
  yield ["UPDATE tasks SET due_at = $1 WHERE id = $2", [dueAt, task]];
}

/** The tasks that a task depends on. */
export function* dependenciesOf(task: string): Tx<Task[]> {
  return yield* many(TASKS.read, [
    `SELECT ${TASKS.columnsOf("t")} FROM dependencies d JOIN tasks t ON t.id = d.dependency WHERE d.task = $1 ORDER BY t.id`,
    [task],
  ]);
}

/** The tasks that depend on a task. */
export function* dependentsOf(task: string): Tx<Task[]> {
  return yield* many(TASKS.read, [
    `SELECT ${TASKS.columnsOf("t")} FROM dependencies d JOIN tasks t ON t.id = d.task WHERE d.dependency = $1 ORDER BY t.id`,
    [task],
  ]);
}

/** A longer chain hangs on the task: it must start earlier by so much, where there is a deadline at all. */
export function* setOrder(task: string, order: { rankOrder: number; earlierByMs: number }): Tx<void> {
  yield [
    `UPDATE tasks SET rank_order = $1, latest_start = CASE WHEN latest_start < ${NO_DEADLINE} THEN latest_start - $2 ELSE latest_start END
     WHERE id = $3`,
    [order.rankOrder, order.earlierByMs, task],
  ];
}
