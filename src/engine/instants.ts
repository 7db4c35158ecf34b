/** An instant in an answer: ISO 8601 in UTC, from milliseconds since the epoch. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
