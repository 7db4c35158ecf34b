import { NAMES_SHOWN_MAX } from "../../base/limits.js";
import type { Reason } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { executorsOfNewRun, executorsOfRun, type ServingExecutor } from "./serving.js";
import type { EngineContext } from "../context.js";
import { hint } from "../../base/names.js";
import { readToolLine, toolAllowed } from "./tool-policy.js";
import type { ToolServer } from "../../base/executor-policy.js";

/** Why no running server would call a tool for a run now; undefined where one would. */
export function* toolObstacle(
  ctx: EngineContext,
  { run, line }: { readonly run: string; readonly line: string },
): Tx<Reason | undefined> {
  const offered = offersOf(yield* executorsOfRun(ctx, run));
  return offered.some((servers) => toolAllowed(servers, line))
    ? undefined
    : { ...refusal(offered, line), blocking: [] };
}

const REASONS_SHOWN_MAX = 5;

/** How many of these `server/tool` no running server would call, and why: each reason once, the first few. */
export function* toolsNotOffered(
  ctx: EngineContext,
  lines: readonly string[],
): Tx<{ count: number; detail: string } | undefined> {
  if (lines.length === 0) return undefined;
  const offered = offersOf(yield* executorsOfNewRun(ctx));
  const refused = lines.filter((line) => !offered.some((servers) => toolAllowed(servers, line)));
  if (refused.length === 0) return undefined;
  const reasons = [...new Set(refused)].map((line) => refusal(offered, line).detail);
  const shown = [...new Set(reasons)].slice(0, REASONS_SHOWN_MAX).join("; ");
  return { count: refused.length, detail: shown };
}

/** Returns the tool servers that each running server process has configured. */
function offersOf(executors: readonly ServingExecutor[]): (readonly ToolServer[])[] {
  return executors.map(({ policy }) => policy.servers ?? []);
}

function refusal(offered: readonly (readonly ToolServer[])[], line: string): { kind: string; detail: string } {
  const { server, tool } = readToolLine(line);
  const known = [...new Set(offered.flat().map(({ name }) => name))].sort();
  if (!known.includes(server)) {
    const shown = known.slice(0, NAMES_SHOWN_MAX).join(", ");
    const others = known.length === 0 ? "none is configured" : `configured are ${shown}${hint(server, known)}`;
    const detail = `no running server has the MCP server "${server}" in its mcpServers: ${others}`;
    return { kind: "server_not_configured", detail };
  }
  const allowed = [...new Set(offered.flat().flatMap(({ name, tools = [] }) => (name === server ? tools : [])))];
  const detail = `"${tool}" is not among the tools of "${server}" that its configuration allows: ${allowed.slice(0, NAMES_SHOWN_MAX).join(", ") || "none"}`;
  return { kind: "tool_not_allowed", detail };
}
