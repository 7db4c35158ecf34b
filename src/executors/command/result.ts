import { stripVTControlCharacters } from "node:util";

/** Characters that are looked at in search of a result, over all beginnings: what goes beyond is an output made to be slow. */
const CHARACTERS_READ_MAX = 8 * 1024 * 1024;
const SCALAR = /^(?:true|false|null|-?\d[\d.eE+-]*|".*")$/;

/** A value that was found; undefined where there is none. */
export type Found = { readonly value: unknown } | undefined;

/**
 * The last whole JSON value of a text that has lines of its own, one or several; whatever else is printed before or after
 * it is no part of it.
 */
export function lastJson(printed: string): Found {
  // Some programs colour their JSON wherever they run.
  const text = printed.includes("\u001b") ? stripVTControlCharacters(printed) : printed;
  const whole = parsed(text.replace(/^\uFEFF/, "").trim());
  if (whole !== undefined) return whole;
  let found: Found;
  let left = CHARACTERS_READ_MAX;
  for (let at = 0; at < text.length && left > 0;) {
    const lineEnd = endOfLine(text, at);
    const line = text
      .slice(at, lineEnd)
      .replace(/^\uFEFF/, "")
      .trim();
    let next = lineEnd + 1;
    if (SCALAR.test(line)) found = parsed(line) ?? found;
    else if (line.startsWith("{") || line.startsWith("[")) {
      const begin = text.indexOf(line.charAt(0), at);
      const { end, read } = endOfValue(text, begin);
      left -= read;
      const rest = endOfLine(text, end ?? begin);
      const value =
        end !== undefined && text.slice(end, rest).trim() === "" ? parsed(text.slice(begin, end)) : undefined;
      if (value !== undefined) [found, next] = [value, rest + 1];
    }
    at = next;
  }
  return found;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

function parsed(text: string): Found {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** A text, which may hold no line end, or signs and words of JSON outside texts. */
const TOKEN = /"(?:[^"\\\n]|\\.)*"|[[{]|[\]}]|[\s,:\d.eE+-]+|true|false|null/y;

/** Where the object or list that begins here is closed, and how many characters were read to find that out. */
function endOfValue(text: string, begin: number): { readonly end?: number; readonly read: number } {
  let depth = 0;
  let end = begin;
  TOKEN.lastIndex = begin;
  for (let found = TOKEN.exec(text); found !== null; found = TOKEN.exec(text)) {
    const [token] = found;
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    end = TOKEN.lastIndex;
    if (depth === 0) return { end, read: end - begin };
  }
  return { read: end - begin };
}

/** Whether an output schema asks for a text, and for nothing but that. */
export function asksForText(schema: unknown): boolean {
  return typeof schema === "object" && schema !== null && "type" in schema && schema.type === "string";
}

/** Whether an output schema may be met by a text. */
export function mayBeText(schema: unknown): boolean {
  if (typeof schema !== "object" || schema === null || !("type" in schema)) return true;
  return schema.type === "string" || (Array.isArray(schema.type) && schema.type.includes("string"));
}

/** A command's output as a text: as a shell takes it in `$( )`, without the line ends at its end. */
export function outputText(stdout: string): string {
  return stdout.replace(/(?:\r?\n)+$/, "");
}
