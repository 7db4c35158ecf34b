import { Cron } from "croner";
import type { MissedPolicy } from "../../base/statuses.js";

// Instants of a cron expression in a time zone, by croner. Where clocks go forward, what lies in the hour that is missing starts at its end; where they
// go back, a time of day that comes twice starts once, and a pattern of every hour or minute goes on by the hours that pass.

/** When a workflow starts: five fields, and a zone of the IANA database. */
export interface Recurrence {
  readonly cron: string;
  readonly timezone: string;
}

// Times of day are fixed where neither minute nor hour has a wildcard, as Vixie cron has it: lists and ranges too.
const MODE = { mode: "5-part", paused: true, fixedTimeRule: "no-wildcard" } as const;

/** The problem that keeps an expression or a zone from being used, with the field it is in; undefined where there is none. */
export function recurrenceProblem(
  { cron, timezone }: Recurrence,
  now: number,
): { readonly path: "cron" | "timezone"; readonly message: string } | undefined {
  if (!isZone(timezone))
    return { path: "timezone", message: `"${timezone}" is no time zone: name one such as Europe/Berlin, or UTC` };
  let first: number | null;
  try {
    first = nextAfter({ cron, timezone }, now);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^\w+: /, "") : String(error);
    return {
      path: "cron",
      message: `"${cron}" cannot be read (${why}): give five fields, minute hour day month weekday, such as "0 6 * * MON-FRI"`,
    };
  }
  return first === null ? { path: "cron", message: `"${cron}" names no day that ever comes` } : undefined;
}

function isZone(timezone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: timezone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** The first instant after one; null where no more comes. Throws an Error for an expression that cannot be read. */
export function nextAfter(recurrence: Recurrence, at: number): number | null {
  return cronOf(recurrence).nextRun(new Date(at))?.getTime() ?? null;
}

/** The next few instants after one, in order. */
export function upcoming(recurrence: Recurrence, at: number, count: number): number[] {
  return cronOf(recurrence)
    .nextRuns(count, new Date(at))
    .map((date) => date.getTime());
}

/** The last few instants up to one and with it, in order. */
function lastUntil(recurrence: Recurrence, at: number, count: number): number[] {
  return cronOf(recurrence)
    .previousRuns(count, new Date(at + 1))
    .map((date) => date.getTime())
    .toReversed();
}

function cronOf({ cron, timezone }: Recurrence): Cron {
  return new Cron(cron, { ...MODE, timezone });
}

/** A start that has come, and what comes after it. */
export interface DueStart {
  /** The instant that the run is for; null where the starts that were missed are left out. */
  readonly startsFor: number | null;
  /** The first instant of those that were missed and are left out; null where none is. */
  readonly skippedFrom: number | null;
  readonly nextAt: number | null;
}

/** Later than this a start counts as missed: no process was there to make it. */
export const MISSED_AFTER_MS = 60_000;
/** As many missed starts as are made up for; older ones are left out. */
export const MADE_UP_MAX = 100;

/** The start to be made of a schedule whose next time has come, by its policy for starts that were missed. */
export function dueStart(
  recurrence: Recurrence,
  missed: MissedPolicy,
  { dueAt, now }: { dueAt: number; now: number },
): DueStart {
  if (missed === "all") {
    const [oldest = dueAt] = lastUntil(recurrence, now, MADE_UP_MAX);
    const startsFor = Math.max(dueAt, oldest);
    return { startsFor, skippedFrom: startsFor > dueAt ? dueAt : null, nextAt: nextAfter(recurrence, startsFor) };
  }
  const latest = Math.max(dueAt, lastUntil(recurrence, now, 1)[0] ?? dueAt);
  const nextAt = nextAfter(recurrence, now);
  const isMissed = now - latest > MISSED_AFTER_MS;
  if (isMissed && missed === "skip") return { startsFor: null, skippedFrom: dueAt, nextAt };
  return { startsFor: latest, skippedFrom: latest > dueAt ? dueAt : null, nextAt };
}
