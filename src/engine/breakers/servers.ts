import { findBreaker, openBreakers } from "../../store/breakers/breakers.js";
import type { Reason } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { EndedAttempt } from "../effect.js";
import { readToolLine } from "../policy/tool-policy.js";
import { toolObstacle } from "../policy/tool-runners.js";
import { type Broken, breakerWaits } from "../scheduling/demands.js";
import type { TargetOutcome } from "./state.js";
import { pauseOf } from "./trials.js";

// Breakers of the MCP servers whose tools the server's executors call: target `server:NAME`, as it is configured.

const SERVER_PREFIX = "server:";

export function serverTarget(server: string): string {
  return `${SERVER_PREFIX}${server}`;
}

/** Types of error that say that a server was not there, did not speak MCP, or was silent. */
const UNREACHED = /^(server_unavailable|invalid_answer|timeout:.*)$/;
/** Types of error of calls that did not get as far as the server. */
const UNTRIED = new Set(["executor_error", "server_not_configured", "cancelled"]);

/** Returns what the end of a call says of its server: an error that a tool answers is a success of the server. */
export function serverOutcome({ outcome, errorType = "" }: EndedAttempt): TargetOutcome["outcome"] {
  if (outcome === "succeeded") return "succeeded";
  if (outcome === "timed_out") return "failed";
  if (outcome !== "failed" || UNTRIED.has(errorType)) return "neither";
  return UNREACHED.test(errorType) ? "failed" : "succeeded";
}

const OPEN_MAX = 1_000;

/** Returns the MCP servers that are not called now, and until when. */
export function* brokenServers(ctx: EngineContext): Tx<Map<string, Broken>> {
  const broken = new Map<string, Broken>();
  if (!ctx.settings.circuit_breakers) return broken;
  for (const breaker of yield* openBreakers({ prefix: SERVER_PREFIX, limit: OPEN_MAX })) {
    const pause = yield* pauseOf(ctx, breaker);
    if (pause) broken.set(breaker.target.slice(SERVER_PREFIX.length), pause);
  }
  return broken;
}

/** Why no running server calls a tool for a run now; undefined where one does. */
export function* callObstacle(ctx: EngineContext, call: { run: string; line: string }): Tx<Reason | undefined> {
  const obstacle = yield* toolObstacle(ctx, call);
  if (obstacle) return obstacle;
  const { server } = readToolLine(call.line);
  const breaker = ctx.settings.circuit_breakers ? yield* findBreaker(serverTarget(server)) : undefined;
  const broken = breaker && (yield* pauseOf(ctx, breaker));
  if (broken === undefined) return undefined;
  const detail = `the MCP server "${server}" has failed too often: ${breakerWaits(broken)}`;
  return { kind: "breaker_open", detail, blocking: [] };
}
