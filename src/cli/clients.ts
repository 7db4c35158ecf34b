import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Finding } from "../app/maintenance.js";
import { isObject } from "../base/json.js";
import { parseJsonc } from "../config/jsonc.js";

/** Program that clients are to start: this file is in dist/cli. */
const PROGRAM = path.resolve(import.meta.dirname, "../main.js");

interface ClientEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Where the clients that people use keep their servers. Only looked at, never written. */
function clientFiles({
  env,
  cwd,
}: ClientEnvironment): { readonly client: string; readonly files: readonly string[] }[] {
  const home = env["HOME"] ?? os.homedir();
  const application = applicationData(env, home);
  return [
    { client: "Claude Desktop", files: [path.join(application, "Claude", "claude_desktop_config.json")] },
    { client: "Claude Code", files: [path.join(cwd, ".mcp.json"), path.join(home, ".claude.json")] },
    { client: "Cursor", files: [path.join(cwd, ".cursor", "mcp.json"), path.join(home, ".cursor", "mcp.json")] },
    {
      client: "VS Code",
      files: [path.join(cwd, ".vscode", "mcp.json"), path.join(application, "Code", "User", "mcp.json")],
    },
    { client: "Codex", files: [path.join(env["CODEX_HOME"] ?? path.join(home, ".codex"), "config.toml")] },
  ];
}

function applicationData(env: ClientEnvironment["env"], home: string): string {
  if (process.platform === "darwin") return path.join(home, "Library", "Application Support");
  if (process.platform === "win32") return env["APPDATA"] ?? path.join(home, "AppData", "Roaming");
  return env["XDG_CONFIG_HOME"] ?? path.join(home, ".config");
}

/** Which clients have Baton among their servers, and whether what they would start is there. */
export function clientFindings(place: ClientEnvironment): Finding[] {
  const found = clientFiles(place).flatMap(({ client, files }) => files.flatMap((file) => finding(client, file)));
  if (found.length > 0) return found;
  const remedy = `see README, Connect: for Claude Code \`claude mcp add --scope user baton -- node ${PROGRAM}\``;
  return [{ check: "clients", verdict: "warn", says: "no client is configured to start Baton", remedy }];
}

function finding(client: string, file: string): Finding[] {
  const text = readIfThere(file);
  if (text === undefined) return [];
  const check = `client ${client}`;
  if (file.endsWith(".toml")) {
    return /^\s*\[mcp_servers\.(?:"baton"|baton)\]/m.test(text)
      ? [{ check, verdict: "ok", says: `starts Baton (${file})` }]
      : [];
  }
  let data: unknown;
  try {
    data = parseJsonc(text);
  } catch (error) {
    return [{ check, verdict: "warn", says: `${file} cannot be read as JSON: ${String(error)}` }];
  }
  return entriesOf(data).map((entry) => {
    const missing = missingScript(entry);
    if (missing === undefined) return { check, verdict: "ok", says: `starts Baton (${file})` };
    return {
      check,
      verdict: "fail",
      says: `${file} starts ${missing}, which does not exist`,
      remedy: "build it or correct the path",
    };
  });
}

/** Entries named baton, of the file as a whole and of each project in it. */
function entriesOf(data: unknown): unknown[] {
  const projects = get(data, "projects");
  const holders = [data, ...(isObject(projects) ? Object.values(projects) : [])];
  return holders.flatMap((holder) => {
    return ["mcpServers", "servers"]
      .map((key) => get(get(holder, key), "baton"))
      .filter((entry) => entry !== undefined);
  });
}

/** A script named by an absolute path: a relative one depends on where the client starts it. */
function missingScript(entry: unknown): string | undefined {
  const args = get(entry, "args");
  const scripts = [get(entry, "command"), ...(Array.isArray(args) ? (args as unknown[]) : [])];
  return scripts.find((one): one is string => typeof one === "string" && path.isAbsolute(one) && !fs.existsSync(one));
}

function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    // Not there, or not ours to read: either way this client does not tell.
    return undefined;
  }
}

function get(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}
