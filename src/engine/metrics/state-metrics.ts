import { BREAKER_STATES, type RunStatus } from "../../base/statuses.js";
import { listBreakers } from "../../store/breakers/breakers.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { workloadOf } from "../load/workload.js";
import { systemStatus } from "../system/system.js";
import type { Labels, MetricFamily } from "./families.js";

/** Series of one family, for what there may be thousands of. */
const SERIES_MAX = 200;
const QUEUES = ["pending", "ready", "running", "waiting", "in_review"] as const;
const OPEN_RUNS = ["planning", "running", "paused", "cancelling", "compensating"] as const;

/** The gauges: the state as it is now. A query. */
export function* stateMetrics(ctx: EngineContext): Tx<MetricFamily[]> {
  const { runs, tasks, oldest_ready_ms: oldestReadyMs, presence, locks } = yield* systemStatus(ctx);
  const load = yield* workloadOf(ctx);
  const breakers = yield* listBreakers({ after: "", limit: SERIES_MAX });
  const { succeeded = 0, failed = 0, compensating = 0, compensated = 0 } = runs;
  const ended = succeeded + failed + compensating + compensated;
  return [
    gauge(
      "queue_depth",
      "Tasks that have not ended, by status.",
      QUEUES.map((queue) => ({ labels: { queue }, value: tasks[queue] ?? 0 })),
    ),
    plain("active_runs", "Runs that have not ended.", activeRuns(runs)),
    plain("oldest_ready_seconds", "How long the oldest ready task has waited.", (oldestReadyMs ?? 0) / 1_000),
    plain("agents_registered", "Agents that are registered.", presence.registered),
    plain("agents_at_work", "Agents that hold a task.", presence.atWork),
    gauge(
      "file_locks",
      "Locks of files, by state.",
      Object.entries<number>({ ...locks }).map(([state, value]) => ({ labels: { state }, value })),
    ),
    gauge(
      "workflow_completion_rate",
      "Share of ended runs that succeeded.",
      ended === 0 ? [] : [{ labels: {}, value: succeeded / ended }],
    ),
    plain("load_balancing_efficiency_ratio", "How evenly work lies on the agents.", load.efficiency),
    gauge(
      "agent_utilization_ratio",
      "Share of an agent's places that are taken.",
      load.agents.slice(0, SERIES_MAX).map(({ agent, utilisation }) => ({ labels: { agent }, value: utilisation })),
    ),
    gauge(
      "circuit_breaker_state",
      "Circuit breakers: 0 closed, 1 open, 2 half open.",
      breakers.map(({ target, state }) => ({ labels: { target }, value: BREAKER_STATES.indexOf(state) })),
    ),
  ];
}

/** How many of the runs, counted by status, have not ended. */
export function activeRuns(runs: Readonly<Partial<Record<RunStatus, number>>>): number {
  return OPEN_RUNS.reduce((sum, status) => sum + (runs[status] ?? 0), 0);
}

const plain = (name: string, help: string, value: number): MetricFamily => gauge(name, help, [{ labels: {}, value }]);

function gauge(name: string, help: string, samples: readonly { labels: Labels; value: number }[]): MetricFamily {
  return { name, help, type: "gauge", samples };
}
