import type { TaskStatus } from "../../base/statuses.js";
import type { SnapshotTask } from "../../store/snapshots/run-snapshots.js";
import { int, intOrNull, text, textOrNull } from "../../store/rows.js";
import type { TaskSpec } from "../../store/tasks/tasks.js";
import type { Row, SqlValue } from "../../store/tx.js";
import { earliest } from "../../base/time.js";
import { TASK_SETTLED } from "../lifecycle/machines.js";

// Builds the tasks of a restored run from a copy. Rows are taken over whole, whatever columns they have; named here are
// the columns that a copy never restores.

/** When the copy was taken, and when it is gone back to. In ms since the epoch. */
export interface Interval {
  readonly takenAt: number;
  readonly now: number;
}

const NOBODYS = {
  agent: null,
  session: null,
  lease_expires_at: null,
  heartbeat_at: null,
  percent: null,
  progress_note: null,
  slept_ms: 0,
  lost_by: null,
  orders: null,
  holds_files: 0,
} as const;

/**
 * Returns a task's row as it was, without a holder, for the caller to change further: a row has some forty columns, and
 * one more copy of each costs as much as comparing it. Token and number of attempts are set by its run.
 */
export function restoredRow({ row, spec }: SnapshotTask, interval: Interval): Record<string, SqlValue> {
  const restored: Record<string, SqlValue> = { ...row };
  if (isOver(row)) return restored;
  Object.assign(restored, NOBODYS);
  const within = startWithin(spec);
  moveLimits(restored, within, interval);
  if (statusOf(row) !== "running" && !awaitsDecision(row)) return restored;
  // As after a lost lease.
  const startBy = within === undefined ? null : interval.now + within;
  restored["status"] = "ready";
  restored["available_at"] = null;
  restored["ready_at"] = startBy === null ? (row["ready_at"] ?? null) : interval.now;
  // A handoff that was offered keeps the task for its addressee, as long as it did.
  const keptUntil = intOrNull(restored, "reserved_until");
  restored["due_at"] = earliest(earliest(intOrNull(restored, "close_by"), startBy), keptUntil);
  return restored;
}

/** Whether its holder has put a question and waits for the decision, which belongs to the attempt and is not copied. */
function awaitsDecision(row: Row): boolean {
  return statusOf(row) === "waiting" && (row["kind"] === "agent" || row["kind"] === "plan");
}

/**
 * Moves limits that count from a beginning past the time between copy and restoration. The next poll keeps its time:
 * the job looks again then.
 */
function moveLimits(row: Record<string, SqlValue>, within: number | undefined, { takenAt, now }: Interval): void {
  const [closeBy, readyAt] = [intOrNull(row, "close_by"), intOrNull(row, "ready_at")];
  if (closeBy !== null) row["close_by"] = closeBy + now - takenAt;
  if (readyAt !== null && within !== undefined) row["ready_at"] = readyAt + now - takenAt;
}

function startWithin(spec: string): number | undefined {
  // The store's own JSON. Few have such a limit, and the others need not be read.
  return spec.includes('"schedule_to_start"') ? (JSON.parse(spec) as TaskSpec).timeouts.schedule_to_start : undefined;
}

export function statusOf(row: Row): TaskStatus {
  // Held to the union by the table's CHECK.
  return text(row, "status") as TaskStatus;
}

export function idOf(row: Row): string {
  return text(row, "id");
}

export function isOver(row: Row): boolean {
  return TASK_SETTLED.has(statusOf(row));
}

/** The number of the attempt whose result or error counted at the time of the copy; undefined where none did. */
export function countedIn({ row }: SnapshotTask): number | undefined {
  const attempt = int(row, "attempt");
  return statusOf(row) === "running" || attempt === 0 ? undefined : attempt;
}

/** Ids of the tasks whose holder had been asked to stop: they do not go on. */
export function tasksToStop(tasks: readonly SnapshotTask[]): SnapshotTask[] {
  return tasks.filter(({ row }) => statusOf(row) === "running" && textOrNull(row, "orders") === "cancel_requested");
}
