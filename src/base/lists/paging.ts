import { BatonError } from "../errors.js";

/** The part of a list that a caller asks for. */
export interface PageQuery {
  /** `next_cursor` of the page before. */
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface Page<T> {
  readonly page: T[];
  /** Where the next page starts; empty for the last one. Answers hold it as it is. */
  readonly next: { readonly next_cursor?: string };
}

/** The id that a cursor is, of a list in the order of ids. Errors: `invalid_input`: from anything else a list would begin anew, or end. */
export function idOfCursor(kind: string, cursor: string | undefined): string | undefined {
  if (cursor === undefined || (cursor.startsWith(`${kind}_`) && /^[a-z]+_[0-9a-z]{16}$/.test(cursor))) return cursor;
  throw new BatonError("invalid_input", "Invalid cursor: pass next_cursor of the previous page of this list.", {
    details: { path: "cursor" },
  });
}

/** Bytes after which a page ends, though it has fewer entries than were asked for. */
export const PAGE_BYTES_MAX = 1_048_576;

/** The number of entries that a page has room for: at least one, however large. */
export function fittingEntries<T>(entries: readonly T[], bytesOf: (entry: T) => number): number {
  let bytes = 0;
  const over = entries.findIndex((entry) => (bytes += bytesOf(entry)) > PAGE_BYTES_MAX);
  return over < 0 ? entries.length : Math.max(1, over);
}

/** Cuts a page from rows that were read one beyond its length. It ends at its limit, or at its bound of bytes. */
export function pageOf<T>(found: readonly T[], limit: number, cursorOf: (last: T) => string): Page<T> {
  const within = found.slice(0, limit);
  const page = within.slice(
    0,
    fittingEntries(within, (entry) => Buffer.byteLength(JSON.stringify(entry))),
  );
  const last = page.at(-1);
  return { page, next: found.length > page.length && last !== undefined ? { next_cursor: cursorOf(last) } : {} };
}
