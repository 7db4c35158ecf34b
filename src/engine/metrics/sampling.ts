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

/**
 * Adds a sample where the last is `monitoring_interval_ms` old and something has changed since. All processes name the time of a
 * sample by the interval it falls in, so that it is added once. Returns how many were added.
 */
export async function takeSample(engine: Engine): Promise<number> {
  const sample = await engine.read(dueSample);
  if (sample === undefined) return 0;
  await engine.transact(() => addSample(sample));
  return 1;
}

/** Samples of an answer. */
export const SAMPLES_MAX = 60;

/** The samples since an instant, as far as they are kept. A query. */
export function* samplesSince(ctx: EngineContext, since: number): Tx<MetricSampleRow[]> {
  const from = Math.max(since, ctx.now - ctx.settings.metrics_retention_ms);
  return yield* samplesOf({ from, until: ctx.now, parts: SAMPLES_MAX });
}

function* dueSample(ctx: EngineContext) {
  const interval = ctx.settings.monitoring_interval_ms;
  const at = Math.floor(ctx.now / interval) * interval;
  const last = yield* newestSample();
  if (last !== undefined && last.at >= at) return undefined;
  const figures = yield* figuresNow(ctx);
  return JSON.stringify(figures) === JSON.stringify(last?.figures) ? undefined : { at, figures };
}

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
