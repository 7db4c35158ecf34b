import { matches } from "./wildcards.js";
import type { ToolServer } from "../../base/executor-policy.js";

/** Tool names match this: the rule of MCP, and the signs that servers use beside it. */
export const TOOL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_./:-]*$/;
export const TOOL_NAME_LENGTH_MAX = 128;
export const TOOL_NAME_RULE = `letters, digits, "_", ".", "/", ":" and "-", at most ${TOOL_NAME_LENGTH_MAX} characters`;

/** Returns a tool step's entry in a demand: `server/tool`. No server's name has a slash. */
export function toolLine({ server = "", tool = "" }: { server?: string; tool?: string }): string {
  return `${server}/${tool}`;
}

/** The server and the tool of a `toolLine`. */
export function readToolLine(line: string): { server: string; tool: string } {
  const slash = line.indexOf("/");
  return { server: line.slice(0, slash), tool: line.slice(slash + 1) };
}

/** Whether one of the servers is that of the line, and its tool among those allowed. */
export function toolAllowed(servers: readonly ToolServer[], line: string): boolean {
  const { server, tool } = readToolLine(line);
  const found = servers.find(({ name }) => name === server);
  return found !== undefined && (found.tools === undefined || found.tools.some((pattern) => matches(pattern, tool)));
}
