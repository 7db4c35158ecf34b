import path from "node:path";
import type { JsonObject } from "../../base/json.js";
import { hookLine, serverEntry, serverWords } from "../baton-command.js";
import { jsonFile } from "../editors/json-file.js";
import type { Client } from "./client.js";

/** The person's own settings of a repository, from its root. */
export const CLAUDE_SETTINGS = ".claude/settings.local.json";

const TOOL_FIELDS = ["tool_name", "tool_input.file_path", "tool_input.notebook_path", "tool_input.command"];

/** A hook that calls a tool of the server, with these fields of its document. */
function toolHandler(fields: readonly string[]): JsonObject {
  const named = ["hook_event_name", "session_id", "cwd", ...fields].map((field) => [
    field.replace("tool_input.", ""),
    ["$", "{", field, "}"].join(""),
  ]);
  return { type: "mcp_tool", server: "baton", tool: "guard", timeout: 5, input: Object.fromEntries(named) };
}

export const claudeCode: Client = {
  name: "claude-code",
  title: "Claude Code",
  traces: [".claude", ".mcp.json", "CLAUDE.md"],
  homeTraces: [".claude", ".claude.json"],
  programs: ["claude"],
  ownFiles: ({ home }) => [path.join(home, ".claude.json")],
  files: ({ command, hooksCallTools = false }) => {
    const handler = { type: "command", command: hookLine(command, "claude-code"), timeout: 5 };
    const handlerOf = (...fields: readonly string[]) => (hooksCallTools ? toolHandler(fields) : handler);
    return [
      {
        file: ".mcp.json",
        isServerOnly: true,
        editor: jsonFile({
          strict: true,
          server: { key: "mcpServers", entry: serverEntry(command, { ...serverWords(command) }) },
        }),
      },
      {
        file: CLAUDE_SETTINGS,
        editor: jsonFile({
          strict: true,
          hooks: {
            // Names and bars alone are compared as a list of names; MultiEdit is that of former versions.
            PreToolUse: {
              matcher: "Edit|MultiEdit|Write|NotebookEdit|Bash|PowerShell",
              hooks: [handlerOf(...TOOL_FIELDS)],
            },
            // A session starts before its servers are connected.
            SessionStart: { matcher: "startup|resume|clear|compact|fork", hooks: [handler] },
            Stop: { hooks: [handlerOf("stop_hook_active")] },
          },
        }),
      },
    ];
  },
  remark: "Claude Code asks once whether it may start the server of .mcp.json.",
};
