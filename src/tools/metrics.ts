import { z } from "zod";
import { rounded } from "../base/numbers/rounding.js";
import { instantAt, isoOrNull, iso } from "../base/time.js";
import { exposition } from "../engine/metrics/exposition.js";
import { bytesFamily } from "../engine/metrics/families.js";
import { SAMPLES_MAX, samplesSince } from "../engine/metrics/sampling.js";
import { stateMetrics } from "../engine/metrics/state-metrics.js";
import { metricsSummary } from "../engine/metrics/summary.js";
import { completionRate } from "../engine/performance/history.js";
import { type Figures, judgedBy } from "../engine/performance/targets.js";
import { defineOperation } from "../dispatch/operation.js";
import { count, instant } from "../dispatch/shapes.js";
import type { TxResult } from "../store/tx.js";

const FORMATS = ["summary", "prometheus"] as const;
const share = z.number().nullable();
const duration = z.object({ count, mean_ms: z.number() }).nullable();

const get = defineOperation({
  name: "get_metrics",
  title: "Metrics",
  description:
    "Shows how work goes: throughput, waits, durations, shares that succeed, load and what holds it up, by the newest events and the state, with the figures held against the targets. format prometheus gives the state as text; a server over HTTP has all at /metrics.",
  area: "system",
  effect: "read",
  aliases: ["get_performance_metrics", "get_comprehensive_metrics", "get_dashboard_data"],
  words: ["throughput", "latency", "bottlenecks", "prometheus"],
  input: z.object({
    format: z.enum(FORMATS).default("summary"),
    since: z
      .string()
      .optional()
      .describe(
        `An instant in ISO 8601: with the samples since then, ${SAMPLES_MAX} at most, the last of each of equal parts where there are more. Each stands until the next; the first stood before.`,
      ),
  }),
  output: z.object({
    timestamp: instant,
    text: z.string().optional(),
    performance_score: z.number().optional(),
    targets_met: count.optional(),
    total_targets: count.optional(),
    orchestration_metrics: z
      .object({
        task_assignment_latency_ms: z.number().nullable(),
        load_balancing_efficiency: z.number(),
        routing_accuracy_percent: z.number().nullable(),
        failure_recovery_time_ms: z.number().nullable(),
        system_throughput_tasks_per_second: z.number(),
      })
      .optional(),
    tasks: z.object({ succeeded: count, failed: count, success_rate: share, duration, lock_wait: duration }).optional(),
    conflict_rate: share.optional(),
    gate_pass_rate: share.optional(),
    workflow_completion_rate: share.optional(),
    agent_utilization: z.number().optional(),
    queues: z.record(z.string(), count).optional(),
    sessions: z.object({ total: count }).optional(),
    /** Workflows that are stored. */
    workflows: count.optional(),
    /** Share of each resource that is allocated. */
    resources: z.record(z.string(), z.number()).optional(),
    memory_bytes: count.optional(),
    bottlenecks: z.array(z.string()).optional(),
    samples: z
      .array(
        z.object({
          at: instant,
          active_runs: count,
          tasks: z.record(z.string(), count),
          agents: count,
          agents_at_work: count,
          utilization: z.number(),
          load_balancing_efficiency: z.number(),
          locks_held: count,
          locks_waiting: count,
        }),
      )
      .optional(),
    /** The newest events that the figures are made of. */
    of_events: z.object({ count, since: instant.nullable() }).optional(),
  }),
  needs: ["process"],
  perform: (host, input) => {
    const since = input.since === undefined ? undefined : instantAt("since", input.since);
    const memoryBytes = host.process.memoryBytes();
    const transferred = host.process.transferred?.();
    return host.read(function* (ctx) {
      if (input.format === "prometheus") {
        const bytes = transferred === undefined ? [] : [bytesFamily("stdio", transferred)];
        return { timestamp: iso(ctx.now), text: exposition([...(yield* stateMetrics(ctx)), ...bytes], false) };
      }
      const samples = since !== undefined && (yield* samplesSince(ctx, since));
      return {
        ...summaryView(yield* metricsSummary(ctx)),
        memory_bytes: memoryBytes,
        ...(samples && { samples: samples.map(({ at, figures }) => ({ at: iso(at), ...figures })) }),
      };
    });
  },
});

type Summary = TxResult<ReturnType<typeof metricsSummary>>;

function summaryView({ now, settings, figures, perSecond, runs, status, load, ...rest }: Summary) {
  const { assignment, recovery, routingAccuracy, succeeded, failed, conflicts } = figures;
  const completion = completionRate(runs);
  const { measurements: _, ...verdict } = judgedBy(settings, judgedFigures({ figures, perSecond, load, completion }));
  const ended = succeeded + failed;
  return {
    timestamp: iso(now),
    ...verdict,
    orchestration_metrics: {
      task_assignment_latency_ms: orNull(assignment?.meanMs),
      load_balancing_efficiency: rounded(load.efficiency),
      routing_accuracy_percent: orNull(routingAccuracy && 100 * routingAccuracy),
      failure_recovery_time_ms: orNull(recovery?.meanMs),
      system_throughput_tasks_per_second: rounded(perSecond),
    },
    tasks: {
      succeeded,
      failed,
      success_rate: ended === 0 ? null : rounded(succeeded / ended),
      duration: durationView(figures.duration),
      lock_wait: durationView(figures.lockWait),
    },
    conflict_rate: ended === 0 ? null : rounded(conflicts / ended),
    gate_pass_rate: orNull(figures.gatePassRate),
    workflow_completion_rate: orNull(completion?.value),
    agent_utilization: rounded(load.utilisation),
    queues: status.tasks,
    sessions: { total: rest.sessions },
    workflows: rest.workflows,
    resources: Object.fromEntries(rest.resources.map(({ id, utilisation }) => [id, utilisation])),
    bottlenecks: rest.bottlenecks,
    of_events: { count: rest.events, since: isoOrNull(rest.since) },
  };
}

function judgedFigures(
  of: Pick<Summary, "figures" | "perSecond" | "load"> & { completion: { value: number; sample: number } | undefined },
): Figures {
  const { assignment, recovery, routingAccuracy, succeeded } = of.figures;
  const source = "history" as const;
  return {
    ...(assignment && { task_assignment_latency_ms: { value: assignment.meanMs, sample: assignment.count, source } }),
    ...(recovery && { recovery_time_ms: { value: recovery.meanMs, sample: recovery.count, source } }),
    ...(routingAccuracy !== undefined && { routing_accuracy: { value: routingAccuracy, sample: 1, source } }),
    ...(of.completion && { workflow_completion_rate: { ...of.completion, source } }),
    ...(succeeded > 0 && { throughput_per_second: { value: of.perSecond, sample: succeeded, source } }),
    load_balancing_efficiency: { value: of.load.efficiency, sample: of.load.agents.length, source },
  };
}

function orNull(value: number | undefined): number | null {
  return value === undefined ? null : rounded(value);
}

function durationView(found: { readonly count: number; readonly meanMs: number } | undefined) {
  return found === undefined ? null : { count: found.count, mean_ms: rounded(found.meanMs) };
}

export const metricOperations = [get] as const;
