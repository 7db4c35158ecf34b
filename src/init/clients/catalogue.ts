import { existsSync } from "node:fs";
import path from "node:path";
import { programOnPath } from "../baton-command.js";
import { claudeCode } from "./claude-code.js";
import type { Client, ClientPlace } from "./client.js";
import { codex } from "./codex.js";
import { cursor } from "./cursor.js";
import { gemini } from "./gemini.js";
import { vscode } from "./vscode.js";

export const CLIENTS: readonly Client[] = [claudeCode, cursor, vscode, codex, gemini];

/** Finds a sign that a client is used here: in the repository, on the path, at home. Undefined without one. */
export function traceOf(
  client: Client,
  { root, home, env }: Omit<ClientPlace, "command" | "chosen">,
): string | undefined {
  const here = client.traces.find((trace) => existsSync(path.join(root, trace)));
  if (here !== undefined) return `${here} is in the repository`;
  const program = client.programs.find((name) => programOnPath(name, env) !== undefined);
  if (program !== undefined) return `\`${program}\` is on the path`;
  const trace = client.homeTraces.find((one) => existsSync(path.join(home, one)));
  return trace === undefined ? undefined : `~/${trace} is there`;
}
