import { rounded } from "../../base/numbers/rounding.js";
import {
  addSample,
  type MetricSampleRow,
  newestSample,
  type SampledFigures,
  samplesOf,
} from "../../store/metrics/samples.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { Engine } from "../engine.js";
import { workloadOf } from "../load/workload.js";
import { systemStatus } from "../system/system.js";
import { activeRuns } from "./state-metrics.js";

/** The start of the interval at which a process has looked last. */
export interface SampleMark {
  interval: number;
}

/** Two processes that sample within so many milliseconds name the same time, so that the sample is added once. */
const STEP_MS = 5_000;

/**
 * Adds a sample for an interval of `monitoring_interval_ms` that has none, where something has changed since the last one; where
 * `metrics_retention_ms` is 0 none. Returns how many this process has taken.
 */
export async function takeSample(engine: Engine, mark: SampleMark): Promise<number> {
  const look = await engine.read((ctx) => lookAt(ctx, mark));
  if (look === undefined) return 0;
  mark.interval = look.interval;
  const { sample } = look;
  if (sample === undefined) return 0;
  await engine.transact(() => addSample(sample));
  return 1;
}

/** Samples of an answer, the one that stands as they begin among them. */
export const SAMPLES_MAX = 60;

/** The samples since an instant, as far as they are kept. A query. */
export function* samplesSince(ctx: EngineContext, since: number): Tx<MetricSampleRow[]> {
  const from = Math.max(since, ctx.now - ctx.settings.metrics_retention_ms);
  return yield* samplesOf({ from, until: ctx.now, parts: SAMPLES_MAX - 1 });
}

interface Look {
  readonly interval: number;
  readonly sample?: MetricSampleRow;
}

/** Undefined where this process has looked in this interval already. A query. */
function* lookAt(ctx: EngineContext, mark: SampleMark): Tx<Look | undefined> {
  const { monitoring_interval_ms: length, metrics_retention_ms: keptMs } = ctx.settings;
  // First, whatever the time is: on PostgreSQL it travels with BEGIN, which brings the time.
  const last = yield* newestSample();
  const interval = startOf(ctx.now, length);
  if (keptMs === 0 || mark.interval === interval) return undefined;
  if (last !== undefined && last.at >= interval) return { interval };
  const figures = yield* figuresNow(ctx);
  if (JSON.stringify(figures) === JSON.stringify(last?.figures)) return { interval };
  return { interval, sample: { at: Math.max(interval, startOf(ctx.now, STEP_MS)), figures } };
}

const startOf = (now: number, length: number): number => Math.floor(now / length) * length;

function* figuresNow(ctx: EngineContext): Tx<SampledFigures> {
  const { runs, tasks, presence, locks } = yield* systemStatus(ctx);
  const load = yield* workloadOf(ctx);
  return {
    active_runs: activeRuns(runs),
    tasks: Object.fromEntries(Object.entries(tasks).toSorted(([one], [other]) => (one < other ? -1 : 1))),
    agents: presence.registered,
    agents_at_work: presence.atWork,
    utilization: rounded(load.utilisation),
    load_balancing_efficiency: rounded(load.efficiency),
    locks_held: locks.held,
    locks_waiting: locks.waiting,
  };
}
