import { isDeepStrictEqual } from "node:util";
import { parse, TomlError } from "smol-toml";
import { isObject, type JsonObject } from "../../base/json.js";
import { type ServerEntry, startsBaton } from "../baton-command.js";
import { type FileEditor, unfit } from "./file-editor.js";

const TABLE = "mcp_servers";
const HEADER = `[${TABLE}.baton]`;
const OWN_HEADER = /^[ \t]*\[[ \t]*mcp_servers[ \t]*\.[ \t]*(?:"baton"|baton)[ \t]*\][^\n]*\n?/m;
const HEADER_BELOW = /^[ \t]*\[[ \t]*mcp_servers[ \t]*\.[ \t]*(?:"baton"|baton)[ \t]*[.\]]/;

/** Baton's server in Codex's config.toml: a table at the end. Codex ends at a file that is no TOML, so each result is parsed. */
export function tomlFile(entry: ServerEntry): FileEditor {
  const lines = [HEADER, ...Object.entries(entry.fresh).map(([key, value]) => `${key} = ${tomlOf(value)}`)];
  return {
    snippet: lines.join("\n"),
    edit: (text) => {
      const present = text === undefined ? undefined : serverIn(text);
      if (text === undefined || text.trim() === "") return `${lines.join("\n")}\n`;
      const eol = text.includes("\r\n") ? "\r\n" : "\n";
      const edited =
        present === undefined
          ? `${text}${text.endsWith("\n") ? "" : eol}${eol}${lines.join(eol)}${eol}`
          : updated(text, present, entry);
      requireRest(edited, text);
      return edited;
    },
  };
}

/** Takes Baton's server out of Codex's config.toml. Returns undefined where nothing is left. */
export function tomlWithoutBaton(text: string): string | undefined {
  if (!startsBaton(serverIn(text))) return text;
  const rest = withoutTable(text);
  requireRest(rest, text);
  if (serverIn(rest) !== undefined) throw unfit(`its "${TABLE}.baton" is no table of its own`);
  return rest.trim() === "" ? undefined : rest;
}

function serverIn(text: string): unknown {
  const servers = dataOf(text)[TABLE];
  if (servers !== undefined && !isObject(servers)) throw unfit(`its "${TABLE}" is no table`);
  return servers?.["baton"];
}

function dataOf(text: string): JsonObject {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw unfit(`it is no TOML at line ${error.line}`);
  }
}

/** Refuses a change after which anything but Baton's server reads otherwise: a line that looks like a table may stand in a text. */
function requireRest(after: string, before: string): void {
  let rest: JsonObject | undefined;
  try {
    rest = restOf(parse(after));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
  }
  if (!isDeepStrictEqual(rest, restOf(dataOf(before))))
    throw unfit(`its "${TABLE}" is written in a form that takes no table`);
}

function restOf(data: JsonObject): JsonObject {
  const { [TABLE]: servers, ...others } = data;
  const { baton: _, ...rest } = isObject(servers) ? servers : {};
  return Object.keys(rest).length === 0 ? others : { ...others, [TABLE]: rest };
}

/** Lines of the command alone are replaced, where they stand in a table of their own. */
function updated(text: string, present: unknown, entry: ServerEntry): string {
  const wanted = entry.update(present);
  if (wanted === undefined) throw unfit(`its "${TABLE}.baton" is another program`);
  const found = OWN_HEADER.exec(text);
  const changes = Object.entries(wanted).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify((present as Record<string, unknown>)[key]),
  );
  if (changes.length === 0) return text;
  if (found === null) throw unfit(`its "${TABLE}.baton" is no table of its own`);
  const from = found.index + found[0].length;
  const length = text.slice(from).search(/^[ \t]*\[/m);
  const to = length < 0 ? text.length : from + length;
  const table = changes.reduce(
    (lines, [key, value]) => {
      const line = new RegExp(String.raw`^([ \t]*${key}[ \t]*=)[^\n\r]*`, "m");
      if (!line.test(lines)) throw unfit(`the line of "${key}" in its "${TABLE}.baton" was not found`);
      return lines.replace(line, (_, start: string) => `${start} ${tomlOf(value)}`);
    },
    text.slice(from, to),
  );
  return text.slice(0, from) + table + text.slice(to);
}

/** Takes out the table and those below it, such as `[mcp_servers.baton.env]`, and the blank line before it. */
function withoutTable(text: string): string {
  const parts = text.split(/(?<=\n)(?=[ \t]*\[)/);
  return parts
    .filter((part) => !HEADER_BELOW.test(part))
    .join("")
    .replace(/(\r?\n)(?:\r?\n)+$/, "$1");
}

function tomlOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlOf).join(", ")}]`;
  // A basic string of TOML has the escapes of JSON.
  return JSON.stringify(value);
}
