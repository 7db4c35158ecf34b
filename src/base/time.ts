/** An instant in an answer: ISO 8601 in UTC, from milliseconds since the epoch. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The smallest of the instants that are set. */
export function earliest(...times: readonly (number | null | undefined)[]): number | null {
  const set = times.filter((time) => typeof time === "number");
  return set.length === 0 ? null : Math.min(...set);
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
