import { shellWord } from "../base/texts/shell-word.js";
import { isObject } from "../base/json.js";
import { hint } from "../base/names.js";
import { UsageError } from "./failure.js";

/** The part of a JSON Schema that says how a flag is read. */
export interface FlagSchema {
  /** Several where a value of more than one type is taken. */
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly FlagSchema[];
  readonly items?: FlagSchema;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
}

export interface InputSchema {
  readonly properties?: Readonly<Record<string, FlagSchema>>;
  readonly required?: readonly string[];
}

/** The flag that takes a whole input as JSON. No operation has a parameter of its name (a test looks). */
export const WHOLE = "json_input";

export interface FlagReading {
  readonly schema: InputSchema;
  readonly stdin: () => string;
  /** The parameter that another system's name means. */
  readonly meant?: (name: string) => string | undefined;
}

/**
 * Reads `--key value`, `--key=value`, `--switch`, `--no-switch` and repeated flags as an operation's input, by its JSON
 * Schema; `--json-input JSON` gives the rest, `-` what `stdin` reads. What a value must be beyond its form dispatch
 * says, as for every other caller. Throws `UsageError` for a flag that is none, without its value, or no JSON.
 */
export function parseOperationFlags(
  args: readonly string[],
  { schema, stdin, meant = () => undefined }: FlagReading,
): Record<string, unknown> {
  const properties = schema.properties ?? {};
  const input: Record<string, unknown> = {};
  const lists = new Map<string, unknown[]>();
  let whole: Record<string, unknown> = {};
  for (let at = 0; at < args.length; at++) {
    const flag = flagAt(args, at, { properties, required: schema.required ?? [], meant });
    at += flag.taken;
    if (flag.name === WHOLE) {
      whole = wholeInput(flag.text === "-" ? stdin() : flag.text);
      continue;
    }
    const kind = properties[flag.name] ?? {};
    if (kind.type === "array" && !flag.text.trimStart().startsWith("[")) {
      const list = lists.get(flag.name) ?? [];
      list.push(valueOf(flag, kind.items ?? {}));
      lists.set(flag.name, list);
    } else {
      if (Object.hasOwn(input, flag.name)) throw new UsageError(`${flag.said} is given twice.`);
      input[flag.name] = valueOf(flag, kind);
    }
  }
  return { ...whole, ...input, ...Object.fromEntries(lists) };
}

interface Flag {
  readonly name: string;
  /** As it was typed. */
  readonly said: string;
  readonly text: string;
  /** How many of the following arguments it took. */
  readonly taken: number;
}

interface KnownFlags extends Required<Pick<FlagReading, "meant">> {
  readonly properties: Readonly<Record<string, FlagSchema>>;
  readonly required: readonly string[];
}

function flagAt(args: readonly string[], at: number, { properties, required, meant }: KnownFlags): Flag {
  const argument = args[at] ?? "";
  const match = /^--([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(argument);
  if (match === null)
    throw new UsageError(
      `"${argument}" is not a flag: write parameters as --name value${exampleOf(argument, required)}.`,
    );
  const [, typed = "", inline] = match;
  const said = `--${typed}`;
  const name = nameOf(typed.replaceAll("-", "_"), { properties, required, meant });
  const negated = name.startsWith("no_") ? name.slice("no_".length) : undefined;
  if (negated !== undefined && inline === undefined && properties[negated]?.type === "boolean") {
    return { name: negated, said, text: "false", taken: 0 };
  }
  if (name !== WHOLE && properties[name] === undefined) throw unknown(said, properties);
  if (inline !== undefined) return { name, said, text: inline, taken: 0 };
  const next = args[at + 1];
  if (properties[name]?.type === "boolean") {
    const written = next === "true" || next === "false";
    return { name, said, text: written ? next : "true", taken: written ? 1 : 0 };
  }
  if (next === undefined || next.startsWith("--"))
    throw new UsageError(`${said} needs a value: ${said} ${form(properties[name])}.`);
  return { name, said, text: next, taken: 1 };
}

/** The flag that was probably meant: `title=x`, or the one value that the operation needs. */
function exampleOf(argument: string, required: readonly string[]): string {
  const [, name, value] = /^([A-Za-z][\w-]*)=([\s\S]*)$/.exec(argument) ?? [];
  const [only, ...others] = required;
  if (name !== undefined && value !== undefined) return `: --${name} ${shellWord(value)}`;
  return only === undefined || others.length > 0 ? "" : `: --${only.replaceAll("_", "-")} ${shellWord(argument)}`;
}

function nameOf(written: string, { properties, meant }: KnownFlags): string {
  return properties[written] === undefined && written !== WHOLE ? (meant(written) ?? written) : written;
}

function unknown(said: string, properties: Readonly<Record<string, FlagSchema>>): UsageError {
  const names = [...Object.keys(properties), WHOLE].map((key) => `--${key.replaceAll("_", "-")}`);
  const known = names.length === 1 ? "It takes no parameters" : `It takes ${names.join(", ")}`;
  return new UsageError(`Unknown parameter ${said}${hint(said, names)}. ${known}.`);
}

function wholeInput(text: string): Record<string, unknown> {
  const value = json("--json-input", text);
  if (isObject(value)) return { ...value };
  throw new UsageError("--json-input takes one JSON object.");
}

function valueOf({ said, text }: Flag, schema: FlagSchema): unknown {
  if (schema.anyOf !== undefined) {
    return numberOrText(
      text,
      schema.anyOf.map(({ type }) => type),
    );
  }
  if (typeof schema.type === "object")
    return schema.type.includes("object") ? jsonOrText(text) : numberOrText(text, schema.type);
  switch (schema.type) {
    case "integer":
    case "number":
      // Anything else goes on as the text it is: dispatch words what it should have been.
      return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
    case "boolean":
      return text === "true" || text === "false" ? text === "true" : text;
    case "object":
    case "array":
      return json(said, text);
    case undefined:
      return jsonOrText(text);
    default:
      return text;
  }
}

function numberOrText(text: string, types: readonly unknown[]): unknown {
  const numeric = types.includes("integer") || types.includes("number");
  return numeric && /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

function json(said: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(`${said} takes JSON, in quotes for the shell, such as '{"key":"value"}': ${error.message}.`);
  }
}

/** For values of any type: JSON where it is some, else the text. */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // A value that is not JSON is a text typed without quotes.
    return text;
  }
}

/** The placeholder after a flag in a usage line. */
export function form(schema: FlagSchema | undefined): string {
  if (schema === undefined) return "JSON";
  if (schema.enum !== undefined) return schema.enum.map(String).join("|");
  if (schema.anyOf !== undefined) return "VALUE";
  if (schema.type === "array") return schema.items?.type === "string" ? `${form(schema.items)} (repeatable)` : "JSON";
  if (schema.type === "object") return "JSON";
  return { integer: "N", number: "N", boolean: "", string: "TEXT" }[String(schema.type)] ?? "VALUE";
}
