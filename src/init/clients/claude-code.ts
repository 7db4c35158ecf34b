import path from "node:path";
import { hookLine, serverEntry, serverWords } from "../baton-command.js";
import { jsonFile } from "../editors/json-file.js";
import type { Client } from "./client.js";

export const claudeCode: Client = {
  name: "claude-code",
  title: "Claude Code",
  traces: [".claude", ".mcp.json", "CLAUDE.md"],
  homeTraces: [".claude", ".claude.json"],
  programs: ["claude"],
  ownFiles: ({ home }) => [path.join(home, ".claude.json")],
  files: ({ command }) => {
    const handler = { type: "command", command: hookLine(command, "claude-code"), timeout: 5 };
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
        file: ".claude/settings.local.json",
        editor: jsonFile({
          strict: true,
          hooks: {
            // Names and bars alone are compared as a list of names; MultiEdit is that of former versions.
            PreToolUse: { matcher: "Edit|MultiEdit|Write|NotebookEdit|Bash|PowerShell", hooks: [handler] },
            SessionStart: { matcher: "startup|resume|clear|compact|fork", hooks: [handler] },
            Stop: { hooks: [handler] },
          },
        }),
      },
    ];
  },
  remark: "Claude Code asks once whether it may start the server of .mcp.json.",
};
