import { changesSince, nowInHistory } from "../engine/events/changes.js";
import type { Tx } from "../store/tx.js";
import { changedBy } from "./catalogue.js";

export interface ChangedAddresses {
  /** Each once, as `followedBy` names them. */
  readonly addresses: ReadonlySet<string>;
  /** Cursor from which the next changes are read. */
  readonly cursor: string;
  /** Whether there is more to read at once. */
  readonly more: boolean;
}

/** Returns the addresses that the events after a cursor may have changed. A query. */
export function* addressesChangedSince(cursor: string): Tx<ChangedAddresses> {
  const { changes, ...place } = yield* changesSince(cursor);
  return { addresses: new Set(changes.flatMap(changedBy)), ...place };
}

/** The cursor behind which everything is news. */
export function* cursorNow(): Tx<string> {
  return yield* nowInHistory();
}
