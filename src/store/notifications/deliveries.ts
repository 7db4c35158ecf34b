import type { NotificationContent } from "../../base/notifications/targets.js";
import { DELIVERY_STATUSES } from "../../base/statuses.js";
import {
  conditionsOf,
  hit,
  int,
  intOrNull,
  json,
  many,
  one,
  oneOf,
  only,
  placeholders,
  text,
  textOrNull,
} from "../rows.js";
import { insertInto, insertRows, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

const DELIVERIES = table("deliveries", {
  id: text,
  target: text,
  /** The question that it is about, by its kind and id. */
  question: textOrNull,
  project: textOrNull,
  run: textOrNull,
  task: textOrNull,
  content: json<NotificationContent>,
  status: oneOf(DELIVERY_STATUSES),
  attempts: int,
  /** The error of the last attempt. */
  error: textOrNull,
  createdAt: int,
  /** When the next attempt is due, while one is under way when it is given up; null for what has ended. */
  dueAt: intOrNull,
  endedAt: intOrNull,
});
/** A notification on its way to a target. */
export interface Delivery extends RowOf<typeof DELIVERIES> {}

const INSERT = insertInto(DELIVERIES);

export function insertDeliveries(deliveries: readonly Delivery[]): Tx<void> {
  return insertRows(INSERT, deliveries);
}

export function* findDelivery(id: string): Tx<Delivery | undefined> {
  return yield* one(DELIVERIES.read, [`SELECT ${DELIVERIES.columns} FROM deliveries WHERE id = $1`, [id]]);
}

/** Of these questions those that a target has been told of. */
export function* toldQuestions(target: string, questions: readonly string[]): Tx<ReadonlySet<string>> {
  if (questions.length === 0) return new Set();
  const found = yield* many(only("question", text), [
    // sql: placeholders of the questions.
    `SELECT question FROM deliveries WHERE target = $1 AND question IN (${placeholders(questions.length, 2)})`,
    [target, ...questions],
  ]);
  return new Set(found);
}

/** Whether a delivery to a target is due. */
export function* anyDueDelivery(target: string, now: number): Tx<boolean> {
  const due = "SELECT id FROM deliveries WHERE target = $1 AND due_at IS NOT NULL AND due_at <= $2 LIMIT 1";
  return (yield [due, [target, now]]).length > 0;
}

/** The delivery to a target that is due first. */
export function* dueDelivery(target: string, now: number): Tx<Delivery | undefined> {
  return yield* one(DELIVERIES.read, [
    `SELECT ${DELIVERIES.columns} FROM deliveries WHERE target = $1 AND due_at IS NOT NULL AND due_at <= $2
     ORDER BY due_at, id LIMIT 1`,
    [target, now],
  ]);
}

/**
 * Writes the next state of a delivery; false where another process has changed it meanwhile. The number of the attempt and its `due_at`
 * guard it: an attempt that was given back uncounted leaves the number as it was.
 */
export function* updateDelivery(before: Delivery, after: Delivery): Tx<boolean> {
  const { status, attempts, error, dueAt, endedAt } = after;
  return yield* hit([
    `UPDATE deliveries SET status = $1, attempts = $2, error = $3, due_at = $4, ended_at = $5
     WHERE id = $6 AND status = $7 AND attempts = $8 AND COALESCE(due_at, -1) = $9 RETURNING id`,
    [status, attempts, error, dueAt, endedAt, before.id, before.status, before.attempts, before.dueAt ?? -1],
  ]);
}

export interface DeliveryFilter {
  readonly status?: Delivery["status"] | undefined;
  readonly project?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Deliveries in the order in which they were made. */
export function* listDeliveries({ limit, ...filter }: DeliveryFilter): Tx<Delivery[]> {
  const { where, params } = conditionsOf([
    ["status =", filter.status],
    ["project =", filter.project],
    ["id >", filter.after],
  ]);
  return yield* many(DELIVERIES.read, [
    // sql: the comparisons are those above.
    `SELECT ${DELIVERIES.columns} FROM deliveries ${where} ORDER BY id LIMIT $${params.length + 1}`,
    [...params, limit],
  ]);
}

/** Removes deliveries that ended before an instant. */
export function* deleteOldDeliveries(before: number): Tx<void> {
  yield ["DELETE FROM deliveries WHERE ended_at IS NOT NULL AND ended_at < $1", [before]];
}
