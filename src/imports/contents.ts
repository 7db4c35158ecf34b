import { isObject, type JsonObject } from "../base/json.js";

/** Values of foreign documents, which may be of any kind, as what a plan needs. */

/** A text with something in it; a number as its digits. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  return text === "" ? undefined : text;
}

/** The texts of a list, or the one text that stands in its place. */
export function textsOf(value: unknown): string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap((one) => textOf(one) ?? []);
}

const TITLE_CHARS = 200;

/** A title of one line; what does not fit goes before the text, so that nothing is lost. */
export function titleAndText(title: string, text: string | undefined): { title: string; text: string } {
  const line = title.replaceAll(/\s+/g, " ").trim();
  if (line.length <= TITLE_CHARS) return { title: line, text: text ?? "" };
  const start = line.slice(0, TITLE_CHARS - 1).replace(/\s+\S*$|[\uD800-\uDBFF]$/, "");
  return { title: `${start}…`, text: paragraphs([line, text]) };
}

/** A text and, below headings, what else is said. */
export function sections(text: string, parts: Readonly<Record<string, string | undefined>>): string {
  const below = Object.entries(parts).map(([heading, part]) => part && `## ${heading}\n\n${part}`);
  return paragraphs([text, ...below]);
}

export function paragraphs(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join("\n\n");
}

/** The object that a JSON text is; undefined for any other text. */
export function objectIn(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
