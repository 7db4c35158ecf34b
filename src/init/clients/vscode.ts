import path from "node:path";
import { guardLine, serverEntry, serverWords } from "../baton-command.js";
import { jsonFile } from "../editors/json-file.js";
import type { Client, ClientFile, ClientPlace } from "./client.js";

export const vscode: Client = {
  name: "vscode",
  title: "VS Code and GitHub Copilot",
  traces: [".vscode", ".github/copilot-instructions.md", ".github/hooks"],
  homeTraces: [".vscode", ".copilot"],
  programs: ["code", "copilot"],
  ownFiles: ({ home, env }) => [path.join(applicationData(home, env), "Code", "User", "mcp.json")],
  files: (place) => {
    const fresh = { type: "stdio", ...serverWords(place.command), cwd: "${workspaceFolder}" };
    const server: ClientFile = {
      file: ".vscode/mcp.json",
      isServerOnly: true,
      editor: jsonFile({ strict: false, server: { key: "servers", entry: serverEntry(place.command, fresh) } }),
    };
    // VS Code and Copilot run the hooks of Claude Code's files too, as far as they are commands.
    return place.chosen.includes("claude-code") && place.hooksCallTools !== true ? [server] : [server, hooksOf(place)];
  },
};

function hooksOf({ command }: ClientPlace): ClientFile {
  const line = guardLine(command, "vscode");
  // Copilot takes each failure of a hook before a tool for a denial: without Baton the work goes on.
  const hook = { type: "command", bash: `${line} || true`, powershell: `${line}; exit 0`, timeoutSec: 5 };
  return {
    file: ".github/hooks/baton.json",
    editor: jsonFile({
      strict: true,
      frame: { version: 1 },
      hooks: { preToolUse: hook, sessionStart: hook, agentStop: hook },
    }),
  };
}

/** Where applications keep the person's settings. */
export function applicationData(home: string, env: ClientPlace["env"]): string {
  if (process.platform === "darwin") return path.join(home, "Library", "Application Support");
  if (process.platform === "win32") return env["APPDATA"] ?? path.join(home, "AppData", "Roaming");
  return env["XDG_CONFIG_HOME"] ?? path.join(home, ".config");
}
