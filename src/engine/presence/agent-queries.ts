import { rounded } from "../../base/numbers/rounding.js";
import { type PageQuery, pageOf } from "../../base/lists/paging.js";
import type { AttemptOutcome } from "../../base/statuses.js";
import * as agents from "../../store/agents/agents.js";
import { attemptStats, recentAttemptsOf } from "../../store/tasks/attempts.js";
import { findSession } from "../../store/presence/sessions.js";
import { runningTasksOf, type Task } from "../../store/tasks/tasks.js";
import type { TxResult, Tx } from "../../store/tx.js";
import { requireAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { withWider } from "../scheduling/capability-tags.js";
import { attemptView } from "../tasks/views.js";

/** The recorded signs of life of an agent. */
export interface AgentHealth {
  readonly state: "ok" | "degraded" | "down" | "idle";
  readonly reasons: readonly string[];
}

const RUNNING_SHOWN_MAX = 50;
const HISTORY_SHOWN_MAX = 20;

/** An agent with its health, figures and work, all from recorded facts. Errors: `not_found`. */
export function* findAgentDetail(ctx: EngineContext, name: string, wanted: { history: boolean }) {
  const agent = yield* requireAgent(name);
  const running = yield* runningTasksOf(name, RUNNING_SHOWN_MAX);
  const metrics = yield* metricsOf(name);
  return {
    agent,
    running,
    metrics,
    health: yield* healthOf(ctx, agent, { running, metrics }),
    ...(wanted.history ? { history: (yield* recentAttemptsOf(name, HISTORY_SHOWN_MAX)).map(attemptView) } : {}),
  };
}

type AgentMetrics = TxResult<ReturnType<typeof metricsOf>>;

function* metricsOf(name: string) {
  const figures = yield* attemptStats(name);
  const count = (...outcomes: AttemptOutcome[]) =>
    figures.filter(({ outcome }) => outcomes.includes(outcome)).reduce((sum, figure) => sum + figure.count, 0);
  const succeeded = count("succeeded");
  const failed = count("failed", "timed_out");
  const judged = succeeded + failed;
  return {
    attempts: figures.reduce((sum, figure) => sum + figure.count, 0),
    succeeded,
    failed,
    lost: count("lease_lost"),
    success_rate: judged === 0 ? null : rounded(succeeded / judged),
    mean_duration_ms: figures.find(({ outcome }) => outcome === "succeeded")?.meanMs ?? null,
  };
}

// Fewer failures than this among an agent's attempts say nothing.
const FAILURES_SAYING = 3;

function* healthOf(
  ctx: EngineContext,
  agent: agents.Agent,
  work: { running: readonly Task[]; metrics: AgentMetrics },
): Tx<AgentHealth> {
  const session = agent.session === null ? undefined : yield* findSession(agent.session);
  const reasons: string[] = [];
  const gone =
    agent.session !== null &&
    (session === undefined || session.goneAt !== null || session.endedAt !== null || session.expiresAt <= ctx.now);
  if (gone) reasons.push("its process is gone");
  if (gone && work.running.length > 0) return { state: "down", reasons };
  const { failed, succeeded } = work.metrics;
  if (failed >= FAILURES_SAYING && failed > succeeded)
    reasons.push(`${failed} of ${failed + succeeded} attempts failed`);
  const silent = work.running.find(
    (task) => task.heartbeatAt !== null && ctx.now - task.heartbeatAt > ctx.settings.lease_ms,
  );
  if (silent) reasons.push(`no sign of life on task ${silent.key} for ${ctx.now - (silent.heartbeatAt ?? ctx.now)} ms`);
  if (gone) return { state: "idle", reasons };
  return { state: reasons.length > 0 ? "degraded" : "ok", reasons };
}

export interface AgentListQuery extends PageQuery {
  readonly available?: boolean | undefined;
  readonly capability?: string | undefined;
  readonly role?: string | undefined;
}

export interface ListedAgent {
  readonly agent: agents.Agent;
  readonly running: number;
  readonly available: boolean;
}

/** A page of agents by name. The filters are held against each page's rows, so a page may be short. */
export function* listAgentPage(ctx: EngineContext, query: AgentListQuery) {
  const rows = yield* agents.listAgents({ after: query.cursor, limit: query.limit + 1 });
  const { page, next } = pageOf(rows, query.limit, ({ name }) => name);
  const listed: ListedAgent[] = [];
  for (const { running, ...agent } of page) {
    const alive = yield* isAlive(ctx, agent);
    const available = alive && running < agent.maxConcurrentTasks;
    if (query.available !== undefined && query.available !== available) continue;
    if (query.capability !== undefined && !withWider(agent.capabilities).has(query.capability)) continue;
    if (query.role !== undefined && !agent.roles.includes(query.role)) continue;
    listed.push({ agent, running, available });
  }
  return { agents: listed, next };
}

/** An agent as a planner needs it: what it can do, and whether it is free. */
export function plannedAgent({ agent: { name, roles, capabilities }, available }: ListedAgent) {
  return { name, roles, capabilities, available };
}

// An agent without a process of its own is there as long as it has been heard of lately.
function* isAlive(ctx: EngineContext, agent: agents.Agent): Tx<boolean> {
  if (agent.session === null) return ctx.now - agent.seenAt <= ctx.settings.lease_ms;
  const session = yield* findSession(agent.session);
  return session !== undefined && session.endedAt === null && session.goneAt === null && session.expiresAt > ctx.now;
}
