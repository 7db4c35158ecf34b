import { ROWS_AT_ONCE_MAX } from "../../base/limits.js";
import { int, json, many } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

/** The state of the whole database at one time. */
export interface SampledFigures {
  readonly active_runs: number;
  /** Tasks by status. */
  readonly tasks: Readonly<Record<string, number>>;
  readonly agents: number;
  readonly agents_at_work: number;
  /** Share of the agents' places that are taken. */
  readonly utilization: number;
  readonly load_balancing_efficiency: number;
  readonly locks_held: number;
  readonly locks_waiting: number;
}

const SAMPLES = table("metric_samples", { at: int, figures: json<SampledFigures> });
export interface MetricSampleRow extends RowOf<typeof SAMPLES> {}

const ADD = insertInto(SAMPLES, "ON CONFLICT (at) DO NOTHING");

/** Adds a sample, unless another process has added that of this time. */
export function* addSample(sample: MetricSampleRow): Tx<void> {
  yield ADD([sample]);
}

export function* newestSample(): Tx<MetricSampleRow | undefined> {
  return (yield* many(SAMPLES.read, [`SELECT ${SAMPLES.columns} FROM metric_samples ORDER BY at DESC LIMIT 1`, []]))[0];
}

export interface SampledSpan {
  readonly from: number;
  readonly until: number;
  /** How many equal parts the span has: the last sample of each is read. */
  readonly parts: number;
}

/** The samples of a span in order of time, one of each part at most; before them the one that stands as the span begins. */
export function* samplesOf({ from, until, parts }: SampledSpan): Tx<MetricSampleRow[]> {
  const width = Math.max(1, Math.ceil((until - from) / parts));
  return yield* many(SAMPLES.read, [
    `SELECT ${SAMPLES.columns} FROM metric_samples WHERE at IN (
       SELECT max(at) FROM metric_samples WHERE at <= $1
       UNION SELECT max(at) FROM metric_samples WHERE at > $1 AND at <= $2 GROUP BY CAST((at - $1 - 1) / $3 AS BIGINT)
     ) ORDER BY at`,
    [from, until, width],
  ]);
}

/** Removes samples from before an instant, the oldest first; a bounded number. The one that stands at that instant stays. */
export function* deleteOldSamples(before: number): Tx<void> {
  yield [
    `DELETE FROM metric_samples WHERE at IN (
       SELECT at FROM metric_samples WHERE at < (SELECT max(at) FROM metric_samples WHERE at <= $1)
       ORDER BY at LIMIT ${ROWS_AT_ONCE_MAX})`,
    [before],
  ];
}
