import path from "node:path";
import { hookLine, serverEntry, serverWords } from "../baton-command.js";
import { jsonFile } from "../editors/json-file.js";
import type { Client } from "./client.js";

const TIMEOUT_MS = 5_000;

export const gemini: Client = {
  name: "gemini",
  title: "Gemini CLI",
  traces: [".gemini", "GEMINI.md"],
  homeTraces: [".gemini"],
  programs: ["gemini"],
  ownFiles: ({ home }) => [path.join(home, ".gemini", "settings.json")],
  files: ({ command }) => {
    const handler = (name: string): object => ({
      name,
      type: "command",
      command: hookLine(command, "gemini"),
      timeout: TIMEOUT_MS,
    });
    return [
      {
        file: ".gemini/settings.json",
        editor: jsonFile({
          strict: false,
          server: { key: "mcpServers", entry: serverEntry(command, { ...serverWords(command) }) },
          hooks: {
            BeforeTool: { matcher: "write_file|replace|run_shell_command", hooks: [handler("baton")] },
            SessionStart: { hooks: [handler("baton-start")] },
            AfterAgent: { hooks: [handler("baton-stop")] },
          },
        }),
      },
    ];
  },
  remark: "Gemini CLI warns once of hooks that are new in a repository.",
};
