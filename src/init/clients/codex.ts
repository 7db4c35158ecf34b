import path from "node:path";
import { hookLine, serverEntry, serverWords } from "../baton-command.js";
import { jsonFile } from "../editors/json-file.js";
import { tomlFile } from "../editors/toml-file.js";
import type { Client } from "./client.js";

/** Codex ends a call after 60 s by itself; `wait_for` may last longer. */
const TOOL_TIMEOUT_SECONDS = 600;

export const codex: Client = {
  name: "codex",
  title: "Codex",
  traces: [".codex"],
  homeTraces: [".codex"],
  programs: ["codex"],
  ownFiles: ({ home, env }) => [path.join(env["CODEX_HOME"] ?? path.join(home, ".codex"), "config.toml")],
  files: ({ command }) => {
    const handler = { type: "command", command: hookLine(command, "codex"), timeout: 5 };
    return [
      {
        file: ".codex/config.toml",
        isServerOnly: true,
        editor: tomlFile(serverEntry(command, { ...serverWords(command), tool_timeout_sec: TOOL_TIMEOUT_SECONDS })),
      },
      {
        // Not in config.toml: Codex ends at a wrong shape there, and here leaves this file out alone.
        file: ".codex/hooks.json",
        editor: jsonFile({
          strict: true,
          hooks: {
            PreToolUse: { matcher: "Bash|apply_patch", hooks: [handler] },
            SessionStart: { matcher: "startup|resume|clear|compact", hooks: [handler] },
            Stop: { hooks: [handler] },
          },
        }),
      },
    ];
  },
  remark:
    "Codex reads a repository's files where it is trusted, and runs these hooks once you have allowed them: type /hooks in Codex.",
};
