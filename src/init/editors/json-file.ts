import { isDeepStrictEqual } from "node:util";
import { isObject, type JsonObject } from "../../base/json.js";
import { isHookOfBaton, type ServerEntry, startsBaton } from "../baton-command.js";
import { type FileEditor, unfit } from "./file-editor.js";
import { JsonText } from "./json-text.js";

/** Baton's entries in a JSON file. */
export interface JsonEntries {
  /** Whether the client reads no comments. */
  readonly strict: boolean;
  /** Keys that the format needs beside the entries. A file in which one has another value is of another version. */
  readonly frame?: JsonObject;
  readonly server?: { readonly key: "mcpServers" | "servers"; readonly entry: ServerEntry };
  /** By event: an entry of the event's list. In the nested form it holds its commands in `hooks`. */
  readonly hooks?: Readonly<Record<string, JsonObject>>;
}

const NAME = "baton";

export function jsonFile(entries: JsonEntries): FileEditor {
  const edit = (text: string | undefined): string => {
    if (text === undefined || text.trim() === "") return `${JSON.stringify(whole(entries), undefined, 2)}\n`;
    const json = new JsonText(text, entries);
    addFrame(json, entries);
    addServer(json, entries);
    for (const [event, group] of Object.entries(entries.hooks ?? {})) addHook(json, event, group);
    return json.text;
  };
  return { edit, snippet: JSON.stringify(whole(entries), undefined, 2) };
}

function whole({ frame, server, hooks }: JsonEntries): JsonObject {
  return {
    ...frame,
    ...(server === undefined ? {} : { [server.key]: { [NAME]: server.entry.fresh } }),
    ...(hooks === undefined
      ? {}
      : { hooks: Object.fromEntries(Object.entries(hooks).map(([event, group]) => [event, [group]])) }),
  };
}

function addFrame(json: JsonText, { frame = {} }: JsonEntries): void {
  for (const [key, value] of Object.entries(frame)) {
    const present = json.data[key];
    if (present === undefined) json.set([key], value);
    else if (present !== value)
      throw unfit(`its "${key}" is ${JSON.stringify(present)} and not ${JSON.stringify(value)}`);
  }
}

function addServer(json: JsonText, { server }: JsonEntries): void {
  if (server === undefined) return;
  const { key, entry } = server;
  const present = objectAt(json.data, key)?.[NAME];
  if (present === undefined) return json.set([key, NAME], entry.fresh);
  const updated = entry.update(present);
  if (updated === undefined) throw unfit(`its server "${NAME}" under "${key}" is another program`);
  for (const [name, value] of Object.entries(updated))
    if (!isDeepStrictEqual(value, (present as JsonObject)[name])) json.set([key, NAME, name], value);
}

function addHook(json: JsonText, event: string, group: JsonObject): void {
  const listed = listAt(json.data, event);
  const at = listed.findIndex((one) => isObject(one) && handlersOf(one).some((handler) => isHookOfBaton(handler)));
  const present = listed[at] as JsonObject | undefined;
  if (present === undefined) return json.append(["hooks", event], group);
  if (isDeepStrictEqual(present, group)) return;
  const others = handlersOf(present).some((handler) => !isHookOfBaton(handler));
  if (!others) return json.set(["hooks", event, at], group);
  // The person has put a handler of their own beside ours: their matcher holds for both.
  const inner = handlersOf(present).findIndex((handler) => isHookOfBaton(handler));
  const [handler] = handlersOf(group);
  if (handler !== undefined && !isDeepStrictEqual(handlersOf(present)[inner], handler))
    json.set(["hooks", event, at, "hooks", inner], handler);
}

const SERVERS = ["mcpServers", "servers"];

/** Takes Baton's server and hooks out of any client's file. Returns undefined where nothing but the format's frame is left. */
export function jsonWithoutBaton(text: string): string | undefined {
  const json = new JsonText(text, { strict: false });
  const hooks = objectAt(json.data, "hooks") ?? {};
  for (const event of Object.keys(hooks)) removeHooks(json, event);
  if (Object.keys(hooks).length > 0) removeEmpty(json, ["hooks"]);
  for (const key of SERVERS) {
    if (!startsBaton(objectAt(json.data, key)?.[NAME])) continue;
    json.remove([key, NAME]);
    removeEmpty(json, [key]);
  }
  return Object.keys(json.data).every((key) => key === "version") ? undefined : json.text;
}

function removeHooks(json: JsonText, event: string): void {
  const listed = objectAt(json.data, "hooks")?.[event];
  if (!Array.isArray(listed) || listed.length === 0) return;
  // From the end, so that the places before stay as they are.
  for (const [at, group] of [...listed.entries()].toReversed()) {
    if (!isObject(group)) continue;
    const handlers = handlersOf(group);
    const own = [...handlers.entries()].filter(([, handler]) => isHookOfBaton(handler)).map(([inner]) => inner);
    if (own.length === 0) continue;
    if (own.length === handlers.length) json.remove(["hooks", event, at]);
    else for (const inner of own.toReversed()) json.remove(["hooks", event, at, "hooks", inner]);
  }
  removeEmpty(json, ["hooks", event]);
}

function removeEmpty(json: JsonText, way: [string, string?]): void {
  const value = way.reduce<unknown>(
    (inner, key) => (isObject(inner) && key !== undefined ? inner[key] : undefined),
    json.data,
  );
  if (value !== undefined && value !== null && typeof value === "object" && Object.keys(value).length === 0)
    json.remove(way.filter((key) => key !== undefined));
}

/** The commands of a group: those within it, or itself. */
function handlersOf(group: JsonObject): unknown[] {
  return Array.isArray(group["hooks"]) ? (group["hooks"] as unknown[]) : [group];
}

function objectAt(data: JsonObject, key: string): JsonObject | undefined {
  const value = data[key];
  if (value === undefined) return undefined;
  if (!isObject(value)) throw unfit(`its "${key}" is no object`);
  return value;
}

function listAt(data: JsonObject, event: string): readonly unknown[] {
  const listed = objectAt(data, "hooks")?.[event];
  if (listed === undefined) return [];
  if (!Array.isArray(listed)) throw unfit(`its "hooks.${event}" is no list: it is of another version`);
  return listed as unknown[];
}
