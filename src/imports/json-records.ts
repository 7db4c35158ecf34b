import { isObject, type JsonObject } from "../base/json.js";
import { objectIn } from "./contents.js";
import type { SourceFile, Unmapped } from "./foreign-plan.js";

export interface JsonRecord {
  readonly place: string;
  readonly fields: JsonObject;
}

const WRAPPERS_MAX = 5;
const BAD_RECORDS_MAX = 1_000;

/**
 * The objects of a document: those of an array, of arrays in a row or in one another (pages of an interface), of lines, or of
 * what `wrappers` names. Of a document that is broken off, the objects before the break.
 */
export function recordsOf(
  file: SourceFile,
  wrappers: readonly string[],
): { records: JsonRecord[]; unmapped: Unmapped[] } {
  const { text } = file;
  const unmapped: Unmapped[] = [];
  const records: JsonRecord[] = [];
  const { spans, broken } = outermostObjects(text);
  let [line, counted] = [1, 0];
  for (const [from, to] of spans) {
    line += lineFeeds(text, counted, from);
    counted = from;
    const place = `${file.path}:${line}`;
    const value = objectIn(text.slice(from, to));
    if (value === undefined) unmapped.push({ place, what: text.slice(from, from + 60), why: "is no JSON" });
    if (unmapped.length === BAD_RECORDS_MAX) break;
    if (value !== undefined) for (const fields of unwrapped(value, wrappers)) records.push({ place, fields });
  }
  if (broken !== undefined) {
    const place = `${file.path}:${line + lineFeeds(text, counted, broken)}`;
    unmapped.push({ place, what: text.slice(broken, broken + 60), why: "is not closed: the file breaks off" });
  }
  return { records, unmapped };
}

/** Where the objects stand that are in no other object, and where one begins that does not end. */
function outermostObjects(text: string): { spans: [number, number][]; broken: number | undefined } {
  const spans: [number, number][] = [];
  let [depth, start] = [0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '"') at = endOfString(text, at);
    else if (sign === "{") {
      if (depth === 0) start = at;
      depth += 1;
    } else if (sign === "}" && depth > 0) {
      depth -= 1;
      if (depth === 0) spans.push([start, at + 1]);
    }
  }
  return { spans, broken: depth > 0 ? start : undefined };
}

/** The place of the quotation mark that ends a string, or of the text's end. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

function unwrapped(value: JsonObject, wrappers: readonly string[]): JsonObject[] {
  let inner: unknown = value;
  for (let level = 0; level < WRAPPERS_MAX && isObject(inner); level += 1) {
    const outer: JsonObject = inner;
    const name = wrappers.find((wrapper) => Object.hasOwn(outer, wrapper) && typeof outer[wrapper] === "object");
    if (name === undefined || outer["number"] !== undefined) break;
    inner = outer[name];
  }
  if (Array.isArray(inner)) return inner.filter(isObject);
  return isObject(inner) ? [inner] : [];
}

function lineFeeds(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at >= 0 && at < to; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
