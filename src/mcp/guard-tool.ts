import type { Tool } from "@modelcontextprotocol/sdk/types.js";
import type { JsonObject } from "../base/json.js";

/** The name by which Claude Code, the one client whose hooks can call a tool, introduces itself. */
const CLIENT = "claude-code";

const text = { type: "string" } as const;

/** The tool that hooks of the kind `mcp_tool` call. Listed to their client alone; agents have no use for it. */
export const GUARD_TOOL = {
  name: "guard",
  title: "Answer a hook",
  description: "Answers this client's hooks before a file is edited. For hooks only: agents call acquire_file_lock.",
  inputSchema: {
    type: "object",
    properties: {
      hook_event_name: text,
      session_id: text,
      cwd: text,
      tool_name: text,
      file_path: text,
      notebook_path: text,
      command: text,
      stop_hook_active: { type: ["string", "boolean"] },
    },
    required: ["hook_event_name"],
  },
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
} as const satisfies Tool;

/** Whether a client is given the tool. */
export function hasGuardTool(client: string): boolean {
  return client === CLIENT;
}

/** A place in the hook's document that the client has left as it was written, since the document has no such field. */
const LEFT = /^\$\{[\w.]+\}$/;
const TOOL_FIELDS = ["file_path", "notebook_path", "command"];

/** The document that the hook would have given to a command. */
export function documentOf(args: JsonObject): JsonObject {
  const given = Object.entries(args).filter(([, value]) => typeof value !== "string" || !LEFT.test(value));
  const isOfTool = ([key]: readonly [string, unknown]): boolean => TOOL_FIELDS.includes(key);
  return {
    ...Object.fromEntries(given.filter((entry) => !isOfTool(entry))),
    tool_input: Object.fromEntries(given.filter((entry) => isOfTool(entry))),
    stop_hook_active: String(args["stop_hook_active"]) === "true",
  };
}
