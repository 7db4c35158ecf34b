import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Problem } from "../../base/problems.js";
import { PUT_IN_QUOTES } from "./wording.js";

/** The text is read a second time for its lines: half a second for a longer one. */
const CHARS_MAX = 200_000;

/** Adds to each problem the line of the value it is about, or of the nearest one around it that stands in the text. */
export function withLines(problems: readonly Problem[], text: string): Problem[] {
  if (text.length > CHARS_MAX || problems.every(({ line }) => line !== undefined)) return [...problems];
  const lineCounter = new LineCounter();
  const { contents } = parseDocument(text, { lineCounter, uniqueKeys: false, logLevel: "silent" });
  const placed = problems.map((problem) => {
    if (problem.line !== undefined || problem.limit === true) return problem;
    const { offset, value } = placeOf(contents, [...partsOf(problem.path), ...unknownKey(problem.message)]);
    if (offset === undefined) return problem;
    return { ...problem, message: asWritten(problem.message, value), line: lineCounter.linePos(offset).line };
  });
  // As the person reads the file; problems of the whole come last.
  return placed.toSorted((one, other) => (one.line ?? Infinity) - (other.line ?? Infinity));
}

/** `steps[3].timeouts.heartbeat` as its parts. */
function partsOf(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) =>
    index === undefined ? (key ?? "") : Number(index),
  );
}

/** The path of an unknown key is that of its object. */
function unknownKey(message: string): string[] {
  const key = /^(?:unknown key|the key) "([^"]+)"/.exec(message)?.[1];
  return key === undefined ? [] : [key];
}

/** The mend of a value with its own letters: 1.10 in quotes is no 1.1. */
function asWritten(message: string, value: unknown): string {
  if (!message.startsWith(PUT_IN_QUOTES) || !isScalar(value) || value.source === undefined) return message;
  return message.replace(/"[^"]*"$/, () => `"${value.source}"`);
}

interface TextPlace {
  readonly offset?: number | undefined;
  /** The node of the value; undefined where the path leads to none. */
  readonly value?: unknown;
}

function placeOf(root: unknown, parts: readonly (string | number)[]): TextPlace {
  let node = root;
  let offset = isNode(root) ? root.range?.[0] : undefined;
  for (const part of parts) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : key) === String(part));
      if (!isPair(pair)) return { offset };
      offset = isNode(pair.key) ? pair.key.range?.[0] : offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === "number") {
      node = node.items[part];
      offset = isNode(node) ? node.range?.[0] : offset;
    } else return { offset };
  }
  return { offset, value: node };
}
