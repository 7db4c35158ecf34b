import type { Agent } from "../../store/agents/agents.js";
import { findSession } from "../../store/presence/sessions.js";
import { attemptStats, recentOutcomes } from "../../store/tasks/attempts.js";
import { runningTasksOf } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { liveAgents, requireAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { type AgentFacts, type Prediction, predicted } from "./prediction.js";

const AGENTS_MAX = 100;
const ATTEMPTS_MAX = 20;
const RUNNING_MAX = 100;

/** Predicts whether agents fail next, the likeliest first: one, or the live ones heard of last. Errors: `not_found`. */
export function* predictFailures(
  ctx: EngineContext,
  name?: string,
): Tx<readonly (Prediction & { readonly agent: string })[]> {
  const agents = name === undefined ? (yield* liveAgents(ctx)).slice(0, AGENTS_MAX) : [yield* requireAgent(name)];
  const predictions = [];
  for (const agent of agents) predictions.push({ agent: agent.name, ...predicted(yield* factsOf(ctx, agent)) });
  return predictions.toSorted((a, b) => b.probability - a.probability || (a.agent < b.agent ? -1 : 1));
}

function* factsOf(ctx: EngineContext, agent: Agent): Tx<AgentFacts> {
  const attempts = yield* recentOutcomes(agent.name, ATTEMPTS_MAX);
  const running = yield* runningTasksOf(agent.name, RUNNING_MAX);
  const session = agent.session === null ? undefined : yield* findSession(agent.session);
  const typicalMs = (yield* attemptStats(agent.name)).find(({ outcome }) => outcome === "succeeded")?.meanMs;
  const longestMs = Math.max(0, ...running.map(({ startedAt }) => ctx.now - (startedAt ?? ctx.now)));
  return {
    failed: attempts
      .filter(({ outcome }) => outcome !== "released" && outcome !== "cancelled")
      .map(({ outcome }) => outcome !== "succeeded"),
    silence: session === undefined ? null : { ms: ctx.now - session.renewedAt, everyMs: ctx.settings.session_renew_ms },
    running: running.length,
    capacity: agent.maxConcurrentTasks,
    longest: typicalMs === undefined ? null : { ms: longestMs, typicalMs },
  };
}
