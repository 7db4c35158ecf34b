import path from "node:path";
import { guardLine, serverEntry, serverWords, shellLine } from "../baton-command.js";
import { jsonFile } from "../editors/json-file.js";
import type { Client, ClientPlace } from "./client.js";

export const cursor: Client = {
  name: "cursor",
  title: "Cursor",
  traces: [".cursor", ".cursorrules"],
  homeTraces: [".cursor"],
  programs: ["cursor", "cursor-agent"],
  ownFiles: ({ home }) => [path.join(home, ".cursor", "mcp.json")],
  files: ({ command }) => {
    const line = { command: guardLine(command, "cursor"), timeout: 5 };
    return [
      {
        file: ".cursor/mcp.json",
        isServerOnly: true,
        editor: jsonFile({
          strict: false,
          server: { key: "mcpServers", entry: serverEntry(command, serverOf(command)) },
        }),
      },
      {
        file: ".cursor/hooks.json",
        editor: jsonFile({
          strict: false,
          frame: { version: 1 },
          hooks: {
            preToolUse: { ...line, matcher: "Write|Delete" },
            beforeShellExecution: line,
            sessionStart: line,
            stop: line,
          },
        }),
      },
    ];
  },
};

/** Cursor may start servers in the home directory, so this one goes to the workspace first. */
function serverOf(command: ClientPlace["command"]): { command: string; args: string[] } {
  const server = serverWords(command);
  if (process.platform === "win32") return { ...server };
  const more = server.args.slice(command.words.length - 1);
  const line = `cd "$0" && exec ${shellLine(command)}${more.length === 0 ? "" : ' "$@"'}`;
  return { command: "sh", args: ["-c", line, "${workspaceFolder}", ...more] };
}
