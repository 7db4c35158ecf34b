import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { parse, TomlError } from "smol-toml";
import { isObject } from "../base/json.js";
import { parseJsonc } from "../config/jsonc.js";
import { unlessMissing } from "../runtime/files/confinement.js";
import { startsBaton } from "./baton-command.js";

/** The person's own file that starts Baton in every repository, where the repository's file does not itself. */
export function serverElsewhere(file: string, ownFiles: readonly string[], root: string): string | undefined {
  if (servers(file, root).length > 0) return undefined;
  return ownFiles.find((one) =>
    servers(one, root).some((entry) => startsBaton(entry) && missingProgram(entry) === undefined),
  );
}

/** Entries named baton in a client's file: of the file as a whole, and of the repository. None where it cannot be read. */
export function servers(file: string, root: string): unknown[] {
  try {
    return serversIn(file, root);
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TomlError)) throw error;
    return [];
  }
}

/** Throws the parser's error for a file that cannot be read. */
export function serversIn(file: string, root: string): unknown[] {
  const text = unlessMissing(() => (statSync(file).isFile() ? readFileSync(file, "utf8") : undefined));
  if (text === undefined) return [];
  const data: unknown = file.endsWith(".toml") ? parse(text) : parseJsonc(text);
  return [data, get(get(data, "projects"), root)]
    .flatMap((holder) => ["mcpServers", "servers", "mcp_servers"].map((key) => get(get(holder, key), "baton")))
    .filter((entry) => entry !== undefined);
}

/** A program named by an absolute path that is not there: a relative one depends on where the client starts it. */
export function missingProgram(entry: unknown): string | undefined {
  const args = get(entry, "args");
  const words = [get(entry, "command"), ...(Array.isArray(args) ? (args as unknown[]) : [])];
  return words.find((one): one is string => typeof one === "string" && path.isAbsolute(one) && !existsSync(one));
}

function get(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}
