import { shellWord } from "../base/texts/shell-word.js";
import { BatonError, type NextCall } from "../base/errors.js";
import { isObject } from "../base/json.js";

/** How `baton` ends. `run` uses them all; every other command the first three. */
export const EXIT = { succeeded: 0, failed: 1, badInput: 2, cancelled: 3, detached: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command line that cannot be run as typed; the message says what to type instead. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

export interface Worded {
  readonly exitCode: ExitCode;
  /** For a person, on stderr. */
  readonly text: string;
  /** The one JSON document, under --json. */
  readonly json: Record<string, unknown>;
}

/** Words what a command threw; undefined for a bug of the command line itself. */
export async function wordFailure(thrown: unknown): Promise<Worded | undefined> {
  if (thrown instanceof UsageError) {
    const facts = { code: "invalid_input", message: thrown.message, retry: "never", next: [] };
    return { exitCode: EXIT.badInput, text: `baton: ${thrown.message}`, json: { error: facts } };
  }
  const [{ InternalError }, { renderError }] = await Promise.all([
    import("../dispatch/dispatch.js"),
    import("../dispatch/render.js"),
  ]);
  if (!(thrown instanceof BatonError) && !(thrown instanceof InternalError)) return undefined;
  const { structuredContent: json } = renderError(thrown);
  const exitCode = thrown instanceof BatonError && thrown.code === "invalid_input" ? EXIT.badInput : EXIT.failed;
  return { exitCode, json, text: thrown instanceof BatonError ? textOf(thrown) : `baton: ${thrown.message}` };
}

function textOf({ message, details, next, retry }: BatonError): string {
  const lines = [`baton: ${message}`];
  // The problems stand in the message already.
  const { problems: _, ...state } = details ?? {};
  for (const [name, value] of Object.entries(state)) lines.push(`  ${name}: ${shown(value)}`);
  if (retry !== "never") {
    lines.push(retry === "same_input" ? "  Retry at once." : `  Retry in ${retry.after_ms} ms.`);
  }
  for (const call of next) lines.push(`  next: ${shellLine(call)}`);
  return lines.join("\n");
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The call as a person would type it. A call through call_operation is that of the operation itself. */
export function shellLine({ tool, arguments: args }: NextCall): string {
  const { name, arguments: inner } = args;
  if ((tool === "call_operation" || tool === "query_operation") && typeof name === "string") {
    return shellLine({ tool: name, arguments: isObject(inner) ? inner : {} });
  }
  // For a model this finds an operation's parameters; in a shell its help does.
  const { query } = args;
  if (tool === "find_operations" && typeof query === "string" && OPERATION.test(query))
    return `baton call ${query} --help`;
  return ["baton call", tool, ...Object.entries(args).flatMap(([key, value]) => flagOf(key, value))].join(" ");
}

const OPERATION = /^[a-z]+(?:_[a-z]+)+$/;

function flagOf(key: string, value: unknown): string[] {
  const flag = `--${key.replaceAll("_", "-")}`;
  if (value === undefined) return [];
  if (typeof value === "boolean") return [value ? flag : `${flag}=false`];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) {
    return value.map((item) => `${flag} ${shellWord(item)}`);
  }
  return [`${flag} ${shellWord(typeof value === "string" ? value : JSON.stringify(value))}`];
}
