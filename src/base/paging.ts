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

/** Cuts a page from rows that were read one beyond its length. */
export function pageOf<T>(found: readonly T[], limit: number, cursorOf: (last: T) => string): Page<T> {
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return { page, next: found.length > limit && last !== undefined ? { next_cursor: cursorOf(last) } : {} };
}
