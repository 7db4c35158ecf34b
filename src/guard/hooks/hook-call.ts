import path from "node:path";
import { isObject, type JsonObject } from "../../base/json.js";
import type { ClientKind } from "../../engine/guard/hook-sessions.js";
import { filesOfPatch } from "./patch-files.js";

/** A step of a client, as its hook tells it. */
export interface HookCall {
  /** By the fields of the document: the hooks of one client's file are run by other clients too. */
  readonly client: ClientKind;
  readonly event: "edit" | "shell" | "session-start" | "stop" | "other";
  /** The name of the event as the client spells it, which its answer repeats. */
  readonly eventName: string;
  readonly conversation: string | undefined;
  /** Absolute. */
  readonly cwd: string;
  /** Files of an edit. Absolute. */
  readonly files: readonly string[];
  /** The line that a shell is given. */
  readonly command: string | undefined;
  /** Whether the agent goes on only because a hook held up its stop before. */
  readonly again: boolean;
}

const EVENTS: Readonly<Record<string, "tool" | "shell" | "session-start" | "stop">> = {
  pretooluse: "tool",
  beforetool: "tool",
  beforeshellexecution: "shell",
  sessionstart: "session-start",
  stop: "stop",
  agentstop: "stop",
  afteragent: "stop",
};

/** Keys of a tool's input that name a file to be written, by the clients. */
const FILE_KEYS = ["file_path", "notebook_path", "filePath", "target_file", "target_notebook", "path"];
/** Keys of lists in a tool's input: of files, or of changes that name theirs. */
const LIST_KEYS = ["files", "replacements", "edits", "changes"];
const READING_TOOLS = /^(?:vscode_)?(?:read|view|ls|list|glob|grep|search|find|fetch|get|open|mcp|run_?tests)/i;
const FILES_MAX = 1_000;

/** The call that a document describes; undefined where it is none of a known client. `cwd` is where the hook runs. */
export function readHookCall(document: unknown, cwd: string): HookCall | undefined {
  if (!isObject(document)) return undefined;
  const eventName = eventNameOf(document);
  if (eventName === undefined) return undefined;
  const place = path.resolve(cwd, textIn(document, "cwd") ?? "");
  const common = {
    client: clientOf(document),
    eventName,
    conversation:
      textIn(document, "conversation_id") ?? textIn(document, "session_id") ?? textIn(document, "sessionId"),
    cwd: place,
    files: [],
    command: undefined,
    again: document["stop_hook_active"] === true || Number(document["loop_count"] ?? 0) > 0,
  };
  const kind = EVENTS[eventName.toLowerCase()];
  if (kind === "tool") return { ...common, ...toolUse(document, place) };
  if (kind === "shell") return { ...common, event: "shell", command: textIn(document, "command") };
  return { ...common, event: kind ?? "other" };
}

function eventNameOf(document: JsonObject): string | undefined {
  const named = textIn(document, "hook_event_name") ?? textIn(document, "hookEventName");
  if (named !== undefined) return named;
  // Copilot's own form names no event.
  if (textIn(document, "toolName") !== undefined) return "toolResult" in document ? "postToolUse" : "preToolUse";
  if (!("timestamp" in document)) return undefined;
  if ("stopReason" in document) return "agentStop";
  return "source" in document ? "sessionStart" : undefined;
}

function clientOf(document: JsonObject): ClientKind {
  if ("cursor_version" in document || "conversation_id" in document) return "cursor";
  if ("hookEventName" in document) return "vscode";
  if (!("hook_event_name" in document)) return "copilot";
  const event = textIn(document, "hook_event_name") ?? "";
  if (/^(?:Before|After)[A-Z]|^PreCompress$/.test(event)) return "gemini";
  if ("timestamp" in document)
    return "transcript_path" in document && /^(?:Session|Notification)/.test(event) ? "gemini" : "copilot";
  const tells = "turn_id" in document || ("model" in document && "permission_mode" in document);
  return tells ? "codex" : "claude-code";
}

function toolUse(document: JsonObject, cwd: string): Pick<HookCall, "event" | "files" | "command" | "cwd"> {
  const tool = textIn(document, "tool_name") ?? textIn(document, "toolName") ?? "";
  const input = inputOf(document["tool_input"] ?? document["toolArgs"]);
  const place = path.resolve(cwd, textIn(input, "working_directory") ?? textIn(input, "dir_path") ?? "");
  const command = textIn(input, "command");
  if (/^apply_?patch$/i.test(tool)) {
    const patch = command ?? textIn(input, "input") ?? textIn(input, "patch") ?? "";
    return { event: "edit", files: filesAt(cwd, filesOfPatch(patch)), command: undefined, cwd };
  }
  const written = filesNamedIn(input);
  const listed = LIST_KEYS.flatMap((key) => filesListed(input[key]));
  // The editor of Copilot has a word for what it does in the field that a shell has its line in.
  if (command !== undefined && written.length === 0) return { event: "shell", files: [], command, cwd: place };
  const files = READING_TOOLS.test(tool) || command === "view" ? [] : filesAt(cwd, [...written, ...listed]);
  return { event: files.length > 0 ? "edit" : "other", files, command: undefined, cwd };
}

function filesNamedIn(input: JsonObject): string[] {
  return FILE_KEYS.flatMap((key) => textIn(input, key) ?? []);
}

/** The files of a list, each by its name or within an object, as VS Code's `multi_replace_string_in_file` has them. */
function filesListed(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return (list as unknown[]).slice(0, FILES_MAX).flatMap((one) => {
    if (typeof one === "string") return one === "" || one.includes("\0") ? [] : one;
    return isObject(one) ? filesNamedIn(one) : [];
  });
}

/** Copilot gives what a tool is called with as an object or as its text. */
function inputOf(input: unknown): JsonObject {
  if (isObject(input)) return input;
  if (typeof input !== "string") return {};
  try {
    const parsed: unknown = JSON.parse(input);
    return isObject(parsed) ? parsed : {};
  } catch {
    return { command: input };
  }
}

function filesAt(cwd: string, files: readonly string[]): string[] {
  return [...new Set(files.slice(0, FILES_MAX).map((file) => path.resolve(cwd, file)))];
}

function textIn(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  return typeof value === "string" && value !== "" && !value.includes("\0") ? value : undefined;
}
