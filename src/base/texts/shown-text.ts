import { shownText } from "./shown-characters.js";
import { startOf } from "./stored-values.js";

export { shownText };

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
