import { HANDOFF_STATUSES } from "../../base/statuses.js";
import { int, intOrNull, jsonOrNull, list, many, one, oneOf, text, textOrNull } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const HANDOFFS = table("handoffs", {
  id: text,
  project: text,
  run: text,
  task: text,
  /** Token of the attempt that is offered. */
  token: int,
  sender: text,
  recipient: text,
  reason: text,
  context: jsonOrNull<unknown>,
  artifacts: list<string>,
  status: oneOf(HANDOFF_STATUSES),
  createdAt: int,
  expiresAt: int,
  endedAt: intOrNull,
  note: textOrNull,
});
/** An offer of a task to another agent. */
export interface Handoff extends RowOf<typeof HANDOFFS> {}

const INSERT = insertInto(HANDOFFS);

export function* insertHandoff(handoff: Handoff): Tx<void> {
  yield INSERT([handoff]);
}

export function* findHandoff(id: string): Tx<Handoff | undefined> {
  return yield* one(HANDOFFS.read, [`SELECT ${HANDOFFS.columns} FROM handoffs WHERE id = $1`, [id]]);
}

/** Unanswered offers whose time is over, the oldest first. */
export function* dueHandoffs(now: number, limit: number): Tx<Handoff[]> {
  return yield* many(HANDOFFS.read, [
    `SELECT ${HANDOFFS.columns} FROM handoffs WHERE status = 'requested' AND expires_at <= $1 ORDER BY expires_at, id LIMIT $2`,
    [now, limit],
  ]);
}

export interface HandoffEnd {
  readonly status: Exclude<Handoff["status"], "requested">;
  readonly at: number;
  readonly note?: string | null | undefined;
}

/** Ends the unanswered offer of a task; undefined where there is none. */
export function* endHandoff(task: string, { status, at, note = null }: HandoffEnd): Tx<Handoff | undefined> {
  return yield* one(HANDOFFS.read, [
    `UPDATE handoffs SET status = $1, ended_at = $2, note = $3 WHERE task = $4 AND status = 'requested' RETURNING ${HANDOFFS.columns}`,
    [status, at, note, task],
  ]);
}

/** Ends the unanswered offers of a run's tasks that are not kept for their addressees any more. */
export function* endUnkeptHandoffs(run: string, at: number): Tx<Handoff[]> {
  return yield* many(HANDOFFS.read, [
    `UPDATE handoffs SET status = 'void', ended_at = $1 WHERE run = $2 AND status = 'requested' AND NOT EXISTS (
       SELECT 1 FROM tasks t WHERE t.id = handoffs.task AND t.reserved_for = handoffs.recipient) RETURNING ${HANDOFFS.columns}`,
    [at, run],
  ]);
}

export interface HandoffFilter {
  readonly run: string;
  readonly task?: string | undefined;
  readonly limit: number;
}

/** Offers of tasks of a run, or of one of its tasks, newest first. */
export function* listHandoffs({ run, task, limit }: HandoffFilter): Tx<Handoff[]> {
  return yield* many(HANDOFFS.read, [
    `SELECT ${HANDOFFS.columns} FROM handoffs WHERE run = $1 AND ($2 = '' OR task = $2) ORDER BY id DESC LIMIT $3`,
    [run, task ?? "", limit],
  ]);
}
