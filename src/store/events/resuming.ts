import { int } from "../rows.js";
import { first, type Tx } from "../tx.js";
import { latestCursor } from "./history.js";
import { decodeCursor, encodeCursor, isAfter, positionOf, START } from "./positions.js";

/** Where a reader goes on that was away. */
export interface ResumePoint {
  readonly cursor: string;
  /** Set where events behind the cursor that was asked for may have been removed, or were never in this database. */
  readonly gone?: {
    readonly after: string;
    /** The oldest event that is kept. Null for an empty history. */
    readonly begins: { readonly cursor: string; readonly at: number } | null;
  };
}

/** The cursor before the first event. */
export const BEGINNING = encodeCursor(START);

const IS_KEPT = "SELECT 1 AS kept FROM events WHERE xid = $1 AND seq = $2";
const OLDEST = "SELECT xid, seq, at FROM events WHERE xid < %XID_HORIZON% ORDER BY %EVENT_ORDER% LIMIT 1";

/**
 * Returns where reading goes on behind a cursor. One whose event has been removed stays where it is, unless the history ends before it:
 * then it is another database's. Throws `invalid_input` for what is no cursor.
 */
export function* resumePoint(after: string): Tx<ResumePoint> {
  const asked = decodeCursor(after);
  if (after === BEGINNING || (yield* first([IS_KEPT, [asked.xid, asked.seq]])) !== undefined) return { cursor: after };
  const oldest = yield* first([OLDEST]);
  const latest = yield* latestCursor();
  const begins = oldest === undefined ? null : { cursor: encodeCursor(positionOf(oldest)), at: int(oldest, "at") };
  return { cursor: isAfter(asked, decodeCursor(latest)) ? latest : after, gone: { after, begins } };
}
