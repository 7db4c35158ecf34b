import type { EventType } from "../../base/notifications/event-types.js";
import { openBreakers } from "../../store/breakers/breakers.js";
import { newestAnywhere } from "../../store/events/history.js";
import { countRunsByStatus } from "../../store/runs/runs.js";
import { countWorkSessions } from "../../store/runs/work-sessions.js";
import { findTasks } from "../../store/tasks/lists.js";
import type { Tx } from "../../store/tx.js";
import { countWorkflows } from "../../store/workflows/workflows.js";
import type { EngineContext } from "../context.js";
import { workloadOf } from "../load/workload.js";
import { wholeStock } from "../resources/stock.js";
import { resourceView } from "../resources/views.js";
import { systemStatus } from "../system/system.js";
import { HistoryTally } from "./history-tally.js";

/** Types whose newest events a summary is made of. */
const TYPES: readonly EventType[] = [
  "task.claimed",
  "task.succeeded",
  "task.retry",
  "task.dead_letter",
  "task.cancelled",
  "task.lease_lost",
  "task.routed",
  "lock.queued",
  "lock.granted",
  "conflict.found",
];
/** Throughput is that of the last five minutes. */
const THROUGHPUT_MS = 300_000;
const BREAKERS_MAX = 20;
const RESOURCES_MAX = 50;
const LONG_READY_MS = 900_000;

/** How it goes, by the newest events and the state. A query. */
export function* metricsSummary(ctx: EngineContext) {
  const events = (yield* newestAnywhere(TYPES)).toReversed();
  const ids = new Set(events.flatMap(({ task }) => task ?? []));
  const tasks = new Map((yield* findTasks([...ids])).map((task) => [task.id, task]));
  const tally = new HistoryTally();
  const facts = { tasks, dependenciesEndedAt: new Map(), efficiencies: new Map() };
  for (const event of events) tally.observe(event, facts);
  const recent = events.filter(({ type, at }) => type === "task.succeeded" && at > ctx.now - THROUGHPUT_MS);
  const status = yield* systemStatus(ctx);
  const load = yield* workloadOf(ctx);
  return {
    now: ctx.now,
    settings: ctx.settings,
    events: events.length,
    since: events[0]?.at ?? null,
    figures: tally.figures,
    perSecond: recent.length / (THROUGHPUT_MS / 1_000),
    runs: yield* countRunsByStatus(),
    status,
    load,
    bottlenecks: yield* bottlenecks(status, load),
    sessions: yield* countWorkSessions(),
    workflows: yield* countWorkflows(),
    resources: (yield* wholeStock(ctx)).map(resourceView).slice(0, RESOURCES_MAX),
  };
}

function* bottlenecks(
  status: { readonly oldest_ready_ms: number | null; readonly locks: { readonly waiting: number } },
  { unserved }: { readonly unserved: readonly { readonly ready: number; readonly wants: string }[] },
): Tx<string[]> {
  const open = yield* openBreakers({ prefix: "", limit: BREAKERS_MAX });
  return [
    ...unserved.map(({ ready, wants }) => `${ready} ready tasks want ${wants}, and no agent that is there offers it`),
    ...open.map(({ target }) => `${target} keeps failing: its circuit breaker is open`),
    ...((status.oldest_ready_ms ?? 0) > LONG_READY_MS ? ["a ready task has waited more than 15 minutes"] : []),
    ...(status.locks.waiting > 0 ? [`${status.locks.waiting} requests wait for locked files`] : []),
  ];
}
