import { hit, int, one, text } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

const TARGETS = table("notification_targets", {
  id: text,
  /** Up to where the history has become deliveries. */
  cursor: text,
  readAt: int,
});
/** A target that some process has been started with. */
export interface TargetRow extends RowOf<typeof TARGETS> {}

const INSERT = insertInto(TARGETS, "ON CONFLICT (id) DO NOTHING RETURNING id");

/** False where another process has made it before. */
export function* insertTarget(row: TargetRow): Tx<boolean> {
  return yield* hit(INSERT([row]));
}

export function* findTarget(id: string): Tx<TargetRow | undefined> {
  return yield* one(TARGETS.read, [`SELECT ${TARGETS.columns} FROM notification_targets WHERE id = $1`, [id]]);
}

/** Locks a target: one process at a time makes deliveries for it. */
export function* lockTarget(id: string): Tx<TargetRow | undefined> {
  return yield* one(TARGETS.read, [
    `SELECT ${TARGETS.columns} FROM notification_targets WHERE id = $1 %FOR_UPDATE%`,
    [id],
  ]);
}

export function* moveCursor({ id, cursor, readAt }: TargetRow): Tx<boolean> {
  return yield* hit([
    "UPDATE notification_targets SET cursor = $1, read_at = $2 WHERE id = $3 RETURNING id",
    [cursor, readAt, id],
  ]);
}
