import { startOf } from "./stored-values.js";

/**
 * The one door of text that is shown, to a person or a model: what could move a cursor, turn the reading direction or hide
 * becomes a visible mark in the notation of JSON (`\u001b`), so that JSON passes the same door unchanged in what it says.
 * Nothing is neutralised where it is stored.
 */

/** Flags of regions, such as that of Wales, spell their code in tags (UTS 51, emoji tag sequences): not hidden text. */
const FLAG = /\u{1F3F4}[\u{E0030}-\u{E0039}\u{E0061}-\u{E007A}]{3,6}\u{E007F}/u;

/**
 * Control characters but newline and tab, what turns the direction, separates lines or is invisible, characters
 * without a meaning of their own (private use, noncharacters), and lone surrogates.
 * Joiners are left: words of several scripts, and emoji, are written with them.
 */
const UNSEEN =
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\uFFF0-\uFFFB]|[\u{1D173}-\u{1D17A}\u{E0000}-\u{E0FFF}]|\p{Noncharacter_Code_Point}|\p{Co}|\p{Surrogate}/u;

const MARKED = new RegExp(`(${FLAG.source})|${UNSEEN.source}`, "gu");
const SHORT: Readonly<Record<string, string>> = { "\b": String.raw`\b`, "\f": String.raw`\f`, "\r": String.raw`\r` };

/** A text of one or several lines as it is shown. */
export function shownText(text: string): string {
  // Most texts have nothing to mark: the search for the first is all they cost.
  if (!UNSEEN.test(text)) return text;
  return text.replace(MARKED, (found, flag: string | undefined) => flag ?? markOf(found));
}

// Within an answer each line of a text is indented by up to eight characters.
const LINE_BYTES = 9;

/** Bytes that a text takes where it is shown. */
export function shownBytes(text: string): number {
  return Buffer.byteLength(shownText(text)) + LINE_BYTES * text.split("\n").length;
}

/** The start of a text that takes so many bytes where it is shown; all of it where that fits. */
export function startThatFits(text: string, bytesMax: number): string {
  let start = startOf(text, bytesMax);
  while (start.length > 1 && shownBytes(start) > bytesMax) start = startOf(start, Math.floor(start.length * 0.8));
  return start;
}

/** The same on one line. */
export function shownLine(text: string): string {
  return shownText(text.replaceAll(/\s+/g, " ").trim());
}

/** Data as JSON that is shown: parsed again it is the same data. */
export function shownJson(data: unknown, indent?: number): string {
  return shownText(JSON.stringify(data, undefined, indent));
}

/** Data with every text and key of it as it is shown, for words that are made of it. */
export function shownData<T>(data: T): T {
  return shownValue(data) as T;
}

function shownValue(value: unknown): unknown {
  if (typeof value === "string") return shownText(value);
  if (Array.isArray(value)) return value.map(shownValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [shownText(key), shownValue(entry)]));
}

function markOf(found: string): string {
  const short = SHORT[found];
  if (short !== undefined) return short;
  return Array.from({ length: found.length }, (_, at) => {
    return `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }).join("");
}
