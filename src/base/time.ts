import { BatonError } from "./errors.js";

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

const INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/;

export const INSTANT_RULE =
  'date, time and zone in ISO 8601, such as "2026-01-31T18:00:00Z" or "2026-01-31T19:00:00+01:00"';

/**
 * Milliseconds since the epoch of an instant in ISO 8601; undefined for anything else. Strict, because a date that is guessed
 * is another in each zone: a zone must be given, and the day and the time must exist.
 */
export function parseInstant(text: string): number | undefined {
  const match = INSTANT.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const daysOfMonth = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (month < 1 || month > 12 || day < 1 || day > daysOfMonth) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return Date.parse(text.replace(" ", "T").toUpperCase());
}

/** The instant that a parameter says, in milliseconds since the epoch. Throws `invalid_input`. */
export function instantAt(parameter: string, text: string): number {
  const at = parseInstant(text);
  if (at !== undefined) return at;
  throw new BatonError("invalid_input", `${parameter} is "${text}", and must be an instant: ${INSTANT_RULE}.`, {
    details: { path: parameter },
  });
}
