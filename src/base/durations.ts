import { z } from "zod";

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof UNIT_MS;

/** Ten years: above it a duration is a mistake, and sums of a few of them stay exact integers. */
export const DURATION_MS_MAX = 10 * 365 * UNIT_MS.d;

const FORM = /^(0|[1-9][0-9]{0,14})(ms|s|m|h|d)$/;
const HINT = 'write it as "300ms", "20s", "20m", "1h" or "2d", or as whole milliseconds';

/**
 * A duration in milliseconds, from `"300ms"`, `"20s"`, `"20m"`, `"1h"`, `"2d"` or an integer of milliseconds.
 * Undefined for anything else, for a negative one and for one over `DURATION_MS_MAX`.
 */
export function parseDuration(value: unknown): number | undefined {
  const ms = typeof value === "string" ? durationOfText(value) : value;
  if (typeof ms !== "number" || !Number.isInteger(ms) || ms < 0 || ms > DURATION_MS_MAX) return undefined;
  return ms;
}

function durationOfText(value: string): number | undefined {
  const [, count, unit] = FORM.exec(value) ?? [];
  return count === undefined ? undefined : Number(count) * UNIT_MS[unit as Unit];
}

/** Says what is wrong with a value that `parseDuration` does not take. */
export function durationProblem(value: unknown): string {
  return `${JSON.stringify(value)?.slice(0, 100) ?? "nothing"} is not a duration: ${HINT}, at most ten years`;
}

/** Parses a duration of at least `minMs` into milliseconds. */
export function durationSchema(minMs = 1) {
  return z
    .union([z.string(), z.number()], { error: (issue) => durationProblem(issue.input) })
    .transform((value, ctx) => {
      const ms = parseDuration(value);
      if (ms !== undefined && ms >= minMs) return ms;
      const message = ms === undefined ? durationProblem(value) : `must be at least ${minMs} ms`;
      ctx.issues.push({ code: "custom", message, input: value });
      return z.NEVER;
    })
    .meta({ description: 'Such as "300ms", "20s", "20m", "1h", or milliseconds.' });
}
