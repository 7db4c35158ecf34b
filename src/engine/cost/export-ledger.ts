import { createHash } from "node:crypto";
import type { ExportLedger, UsageAmounts } from "../../store/usage/exports.js";

/** Use of a model as a client has exported it. */
export interface ExportedUsage {
  /** The id that the client gives its conversation. */
  readonly session: string;
  /** The agent that the client is said to be. */
  readonly agent?: string | undefined;
  readonly model: string;
  /** The time that it is of, in ms since the epoch. */
  readonly from: number;
  readonly at: number;
  readonly amounts: UsageAmounts;
  readonly source: ExportSource;
}

/** An event by its identity, or a point of a series whose values are given as differences or as sums since its start. */
export type ExportSource =
  | { readonly kind: "event"; readonly id: string }
  | { readonly kind: "delta" | "cumulative"; readonly series: string; readonly start: string; readonly end: string };

export const NOTHING: UsageAmounts = { input: 0, output: 0, cached: 0, cacheWrite: 0, cost: 0 };
export const EMPTY_LEDGER: ExportLedger = { metrics: NOTHING, events: NOTHING, booked: NOTHING, series: {}, seen: [] };

const AMOUNTS = ["input", "output", "cached", "cacheWrite", "cost"] as const;
/** Events of which a repetition is known. A client repeats a batch that was not answered, hardly an older one. */
const SEEN_MAX = 1_024;
const SERIES_MAX = 200;
const HASH_CHARS = 12;

/** Adds what an export says anew. A repetition, or a point older than the newest of its series, adds nothing. */
export function withExport(ledger: ExportLedger, { source, amounts }: ExportedUsage): ExportLedger {
  if (source.kind === "event") {
    const key = hashOf(source.id);
    if (ledger.seen.includes(key)) return ledger;
    const seen = [...ledger.seen, key].slice(-SEEN_MAX);
    return { ...ledger, seen, events: combined(ledger.events, amounts, (a, b) => a + b) };
  }
  const key = hashOf(source.series);
  const mark = ledger.series[key];
  // Without its mark a series would count as new each time.
  if (mark === undefined && Object.keys(ledger.series).length >= SERIES_MAX) return ledger;
  if (mark !== undefined && BigInt(source.end) <= BigInt(mark.end)) return ledger;
  const { start, end } = source;
  const value = AMOUNTS.reduce((sum, name) => sum + amounts[name], 0);
  const before = source.kind === "cumulative" && mark?.start === start && value >= mark.value ? mark.value : 0;
  // A point has one amount: what of it is new is the part of the same name.
  const grown = combined(amounts, NOTHING, (amount) => (amount === 0 ? 0 : amount - before));
  const series = { ...ledger.series, [key]: { start, end, value } };
  return { ...ledger, series, metrics: combined(ledger.metrics, grown, (a, b) => a + b) };
}

/** Returns the part that is not booked yet: the signal that is ahead says how much there is. Both tell of the same use, one later than the other. */
export function unbooked({ metrics, events, booked }: ExportLedger): UsageAmounts {
  const told = combined(metrics, events, Math.max);
  return combined(told, booked, (a, b) => Math.max(0, a - b));
}

export function isNothing(amounts: UsageAmounts): boolean {
  return AMOUNTS.every((name) => amounts[name] === 0);
}

export function combined(a: UsageAmounts, b: UsageAmounts, by: (a: number, b: number) => number): UsageAmounts {
  return {
    input: by(a.input, b.input),
    output: by(a.output, b.output),
    cached: by(a.cached, b.cached),
    cacheWrite: by(a.cacheWrite, b.cacheWrite),
    cost: by(a.cost, b.cost),
  };
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, HASH_CHARS);
}
