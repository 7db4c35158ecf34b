import { sumCounters } from "../../store/runs/counters.js";
import * as figures from "../../store/system/stats.js";
import { countRunsByStatus } from "../../store/runs/runs.js";
import type { TxResult, Tx } from "../../store/tx.js";
import { unservedDemands } from "../claims/live-takers.js";
import { commandRunners } from "../policy/command-runners.js";
import type { EngineContext } from "../context.js";
import { isoOrNull } from "../../base/time.js";
import { toolsNotOffered } from "../policy/tool-runners.js";

/** Everything on the database at a glance, counted from what is recorded. */
type SystemStatus = TxResult<ReturnType<typeof systemStatus>>;

export function* systemStatus(ctx: EngineContext) {
  const readyAt = yield* figures.oldestReadyAt();
  const due = yield* figures.dueStats(ctx.now, hostOf(ctx));
  return {
    // All runs by status, finished ones as long as they are kept, and their tasks.
    runs: yield* countRunsByStatus(),
    tasks: yield* sumCounters(),
    // For how long the ready task that waits the longest has been ready.
    oldest_ready_ms: readyAt === null ? null : Math.max(0, ctx.now - readyAt),
    presence: yield* figures.presence(ctx.now),
    locks: yield* figures.lockStats(),
    // Ready tasks that wait for an agent that is not there.
    unserved: yield* unservedDemands(ctx),
    lastEventAt: due.lastEventAt,
  };
}

/** As it stands in answers and resources. */
export function systemStatusView({ presence, lastEventAt, ...facts }: SystemStatus) {
  return {
    ...facts,
    agents: { registered: presence.registered, at_work: presence.atWork },
    sessions: { open: presence.sessions, executors: presence.executors, overdue: presence.overdue },
    last_event_at: isoOrNull(lastEventAt),
  };
}

export const HEALTH = ["ok", "degraded", "down"] as const;
export type Health = (typeof HEALTH)[number];

/** One part of the system: how it is, why, and the measurement that says so. */
export interface Component {
  readonly name: string;
  readonly status: Health;
  readonly reason: string;
  readonly measured: Readonly<Record<string, number | null>>;
}

// Background work that is so many of its own intervals late is not being done.
const LATE_TICKS = 10;
const LATE_MS_MIN = 15_000;

/** Returns the state of the parts from recorded data; the database itself is measured by the caller. */
export function* componentsOf(ctx: EngineContext): Tx<Component[]> {
  const due = yield* figures.dueStats(ctx.now, hostOf(ctx));
  const presence = yield* figures.presence(ctx.now);
  const lateMs = Math.max(LATE_MS_MIN, LATE_TICKS * ctx.settings.tick_ms);
  return [
    background(ctx, due, { lateMs, sessions: presence.sessions }),
    timers(ctx, due, lateMs),
    sessions(presence),
    commands(yield* commandRunners(ctx), yield* figures.commandsWait()),
    tools(yield* toolsNotOffered(ctx, yield* figures.toolsWanted())),
  ];
}

function background(
  ctx: EngineContext,
  { tickedAt }: figures.DueStats,
  { lateMs, sessions: open }: { lateMs: number; sessions: number },
): Component {
  const name = "background_work";
  const agoMs = tickedAt === null ? null : ctx.now - tickedAt;
  const measured = { last_done_ms_ago: agoMs };
  if (open === 0) return { name, status: "ok", reason: "no server process has anything to keep alive", measured };
  if (agoMs === null) return { name, status: "ok", reason: "it has not been due on this host yet", measured };
  if (agoMs <= lateMs) return { name, status: "ok", reason: "leases, retries and timers are looked after", measured };
  return { name, status: "down", reason: "no process on this host looks after leases, retries and timers", measured };
}

function timers(ctx: EngineContext, { oldestDueAt }: figures.DueStats, lateMs: number): Component {
  const lateBy = oldestDueAt === null ? 0 : ctx.now - oldestDueAt;
  const late = lateBy > lateMs;
  const reason = late ? "a retry or time-out is overdue" : "nothing is overdue";
  return { name: "timers", status: late ? "degraded" : "ok", reason, measured: { overdue_ms: lateBy } };
}

function sessions({ sessions: open, overdue }: figures.PresenceStats): Component {
  const reason =
    overdue > 0 ? `${overdue} sessions are over and what they hold has not gone back yet` : "all are alive";
  return { name: "sessions", status: overdue > 0 ? "degraded" : "ok", reason, measured: { open, overdue } };
}

function commands(executors: number, waiting: boolean): Component {
  const stuck = waiting && executors === 0;
  const idle = executors === 0 ? "no server process may run commands, and none waits" : "commands are run";
  const reason = stuck ? "command steps wait, and no server process may run commands (--allow-commands)" : idle;
  return { name: "commands", status: stuck ? "degraded" : "ok", reason, measured: { executors } };
}

function tools(missing: { readonly count: number; readonly detail: string } | undefined): Component {
  const measured = { not_offered: missing?.count ?? 0 };
  if (missing === undefined)
    return { name: "tools", status: "ok", reason: "no tool step waits for a server", measured };
  return { name: "tools", status: "degraded", reason: `tool steps wait: ${missing.detail}`, measured };
}

function hostOf(ctx: EngineContext): string {
  return ctx.caller.session?.host ?? "";
}
