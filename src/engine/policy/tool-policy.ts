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
  return found !== undefined && (found.tools === undefined || found.tools.some((pattern) => fits(pattern, tool)));
}

/** Each literal part at its first place after the one before: no backtracking, whatever the pattern. */
function fits(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last) || first.length > end) return false;
  let at = first.length;
  for (const literal of rest) {
    const found = text.indexOf(literal, at);
    if (found < 0 || found + literal.length > end) return false;
    at = found + literal.length;
  }
  return true;
}
