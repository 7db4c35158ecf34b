import { BatonError } from "../../base/errors.js";
import { int } from "../rows.js";
import type { Row } from "../tx.js";

/** A place in the history. On PostgreSQL the transaction's number leads: see `readEvents`. */
export interface Position {
  readonly xid: number;
  readonly seq: number;
}

export const START: Position = { xid: 0, seq: 0 };

export function positionOf(row: Row): Position {
  return { xid: int(row, "xid"), seq: int(row, "seq") };
}

export function isAfter(a: Position, b: Position): boolean {
  return a.xid === b.xid ? a.seq > b.seq : a.xid > b.xid;
}

export function encodeCursor({ xid, seq }: Position): string {
  return `${xid.toString(36)}.${seq.toString(36)}`;
}

/** Throws `invalid_input` for what is no cursor. */
export function decodeCursor(cursor: string): Position {
  const parts = /^([0-9a-z]{1,11})\.([0-9a-z]{1,11})$/.exec(cursor);
  const [xid, seq] = [parts?.[1], parts?.[2]].map((part) =>
    part === undefined ? Number.NaN : Number.parseInt(part, 36),
  );
  if (xid === undefined || seq === undefined || !Number.isSafeInteger(xid) || !Number.isSafeInteger(seq)) {
    const message = `cursor: "${cursor}" is not one that an answer gave; leave it out to begin anew.`;
    throw new BatonError("invalid_input", message);
  }
  return { xid, seq };
}
