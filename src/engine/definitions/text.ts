import { type Document, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import { shortText } from "./habits.js";
import { type Problem, Problems, pathText } from "../../base/problems.js";
import { flawOfNumber, flawOfText } from "../../base/texts/stored-values.js";
import type { JsonObject } from "../../base/json.js";

/** JSON is read natively; YAML takes a parser that needs about a second for each megabyte. */
const JSON_CHARS_MAX = 32 * 1024 * 1024;
const YAML_CHARS_MAX = 2 * 1024 * 1024;
const ALIASES_MAX = 100;
const A_DEFINITION = "a definition is a map with the keys name and steps";
// After the first few, what a parser says is mostly an echo.
const SYNTAX_PROBLEMS_MAX = 10;

export type Read = { readonly value: JsonObject } | { readonly problems: Problem[] };

/**
 * Reads YAML 1.2 or JSON into plain data. A key twice in one map, a tag, several documents and anything the parser
 * doubts is a problem with its line; aliases are bounded, so that what a short text stands for stays small.
 */
export function readDefinitionText(text: string, expected = A_DEFINITION): Read {
  const json = text.length <= JSON_CHARS_MAX && text.trimStart().startsWith("{") ? readJson(text) : undefined;
  if (json !== undefined) return json;
  if (text.length > YAML_CHARS_MAX) {
    const message = `a text of ${text.length} characters; the limit is ${YAML_CHARS_MAX} for YAML, ${JSON_CHARS_MAX} for JSON`;
    return { problems: [{ path: "", message, limit: true }] };
  }
  return NESTED.test(text) ? { problems: [TOO_DEEP] } : readYaml(text, expected);
}

/** Undefined for what is no JSON: it may be YAML, and if not, that parser knows the line. */
function readJson(text: string): Read | undefined {
  let value: JsonObject;
  try {
    // JSON text that starts with a brace is an object.
    value = JSON.parse(text) as JsonObject;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const repeated = repeatedJsonKey(text);
  return repeated === undefined ? { value } : { problems: [repeated] };
}

/** The first key that stands twice in one object of a sound JSON text. Linear: it looks at strings and brackets only. */
function repeatedJsonKey(text: string): Problem | undefined {
  const open: Set<string>[] = [];
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g)) {
    const [token, colon] = match;
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, -colon.length)) as string;
      if (open.at(-1)?.has(key)) {
        const line = text.slice(0, match.index).split("\n").length;
        return { path: "", line, message: `the key "${key}" stands twice in one object: leave one out` };
      }
      open.at(-1)?.add(key);
    }
  }
  return undefined;
}

/** Texts of JSON, which are passed over, and the signs that begin a comment where a value or a key could stand. */
const JSON_COMMENT = /"(?:[^"\\\n]|\\.)*"|(?<=^|[\s,:{}[\]])\/[/*]/g;

function jsonCommentAt(text: string): number | undefined {
  if (!/^\s*(?:\{|\/[/*][^{]*\{)/.test(text)) return undefined;
  for (const { 0: token, index } of text.matchAll(JSON_COMMENT)) if (token.startsWith("/")) return index;
  return undefined;
}

function readYaml(text: string, expected: string): Read {
  const comment = jsonCommentAt(text);
  if (comment !== undefined) {
    const line = text.slice(0, comment).split("\n").length;
    return { problems: [{ path: "", line, message: "JSON has no comments: leave them out, or write YAML" }] };
  }
  const lines = new LineCounter();
  const parsed = parse(text, lines);
  if ("problems" in parsed) return parsed;
  const { document } = parsed;
  const problems = new Problems();
  for (const { message, linePos, pos } of [...document.errors, ...document.warnings].slice(0, SYNTAX_PROBLEMS_MAX)) {
    if (message.startsWith("Maximum call stack")) return { problems: [TOO_DEEP] };
    const opened = message.startsWith("Missing closing") ? lastScalarAt(document) : undefined;
    const line = opened === undefined ? (linePos?.[0].line ?? lines.linePos(pos[0]).line) : lines.linePos(opened).line;
    problems.add({ path: "", line, message: syntaxProblem(message, text, line) });
  }
  if (problems.count === 0) addRepeatedKeys(document, lines, problems);
  return problems.count > 0 ? { problems: problems.list() } : plainData(document, expected);
}

/** Where the last text begins: a quote that is never closed takes all that follows. */
function lastScalarAt(document: Document.Parsed): number | undefined {
  let at: number | undefined;
  visit(document, { Scalar: (_, { range }) => void (at = range?.[0] ?? at) });
  return at;
}

/** Mistakes in YAML with their mends, by the parser's words. */
const SYNTAX_MENDS: readonly (readonly [RegExp, string])[] = [
  [/multiple documents/, "multiple documents (---) in one file: write one workflow in each file"],
  [/^Tabs are not allowed/, "tabs are not allowed as indentation: indent with spaces"],
  [/^Missing closing/, "the text that begins here has no closing quote"],
  [
    /^(?:Sequence item without - indicator|All (?:mapping|sequence|collection) items must start at the same column|.*is not indented correctly|Unexpected (?:block-seq-ind|seq-item-ind|map-value-ind))/,
    "its indentation fits neither the line above nor one before: keys of one step stand in one column, below the first letter after the -",
  ],
];

/** The parser's first line, without the excerpt that it adds; or what to write, where the mistake is a common one. */
function syntaxProblem(said: string, text: string, line: number): string {
  const written = text.split("\n", line)[line - 1]?.trim() ?? "";
  if (said.startsWith("Nested mappings are not allowed") || said.startsWith("Implicit keys need")) {
    const [, key = "", value = ""] = /^(?:- )?([\w-]+):\s+(.*)$/.exec(written) ?? [];
    if (value.includes(": "))
      return `a text with a colon stands in quotes: ${key}: ${JSON.stringify(shortText(value))}`;
  }
  for (const [pattern, message] of SYNTAX_MENDS) if (pattern.test(said)) return message;
  return (said.split("\n")[0] ?? said).replace(/ at line \d+, column \d+:?$/, "");
}

// The parser calls itself for each level and takes quadratic time to find the end of the stack, which it then reports
// or throws. Depth written in a row is seen before it starts.
const NESTED = /(?:[[{]\s*){100}|(?:[-?] +){100}/;
const TOO_DEEP: Problem = { path: "", message: "nested too deeply to be read", limit: true };

function parse(text: string, lineCounter: LineCounter): { document: Document.Parsed } | { problems: Problem[] } {
  try {
    // The parser's own check for repeated keys is quadratic in the size of a map; ours below is linear.
    const options = { uniqueKeys: false, stringKeys: true, resolveKnownTags: false, logLevel: "error" } as const;
    return { document: parseDocument(text, { ...options, lineCounter }) };
  } catch (error) {
    if (error instanceof RangeError) return { problems: [TOO_DEEP] };
    throw error;
  }
}

function addRepeatedKeys(document: Document.Parsed, lines: LineCounter, problems: Problems): void {
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const line = lines.linePos(key.range?.[0] ?? 0).line;
        if (seen.has(key.value))
          problems.add({
            path: "",
            line,
            message: `the key "${String(key.value)}" stands twice in one map: leave one out`,
          });
        seen.add(key.value);
      }
    },
  });
}

function plainData(document: Document.Parsed, expected: string): Read {
  if (!isMap(document.contents)) {
    const empty = document.contents === null ? "the text is empty: " : "";
    const list = isSeq(document.contents) ? "put this list below steps: " : "";
    return { problems: [{ path: "", message: `${empty}${list}${expected}` }] };
  }
  try {
    // A map with string keys becomes an object; `stringKeys` has refused every other.
    return { value: document.toJS({ maxAliasCount: ALIASES_MAX }) as JsonObject };
  } catch (error) {
    // The parser throws this for more aliases than allowed, and for an alias without its anchor.
    if (error instanceof ReferenceError) return { problems: [{ path: "", message: error.message, limit: true }] };
    throw error;
  }
}

const DEPTH_MAX = 64;
const NODES_MAX = 2_000_000;
/** The fields of a step in which expressions stand. */
const FILLED_IN: ReadonlySet<PropertyKey> = new Set([
  "title",
  "prompt",
  "criteria",
  "run",
  "env",
  "arguments",
  "files",
  "ask",
  "if",
  "for_each",
  "checks",
  "for",
  "until",
  "inputs",
]);
const NOT_HERE = `no expression is read here; a step's ${[...FILLED_IN].map(String).join(", ")} take them`;

function takesExpressions([first, , field, inner]: readonly PropertyKey[]): boolean {
  // A compensation is a step too.
  const written = field === "compensate" ? inner : field;
  return first === "steps" && written !== undefined && FILLED_IN.has(written);
}

/**
 * Adds the contents that no part of a definition may hold, whatever its key: keys that change an object's prototype,
 * expressions where none are read, numbers that JSON lacks, and structure beyond the bounds. Walks without recursion.
 */
export function addForbidden(root: unknown, problems: Problems, { literal }: { readonly literal?: true } = {}): void {
  const stack: { value: unknown; path: PropertyKey[] }[] = [{ value: root, path: [] }];
  let nodes = 0;
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { value, path } = top;
    nodes++;
    if (nodes > NODES_MAX) return problems.add({ path: "", message: `more than ${NODES_MAX} values`, limit: true });
    const message = forbidden(value, path) ?? (literal ? undefined : misplacedExpression(value, path));
    if (message !== undefined) problems.add({ path: pathText(path), ...stepOf(root, path), ...message });
    // Beyond a bound there is no end to what may follow.
    if (message?.limit) return;
    if (typeof value !== "object" || value === null) continue;
    const entries: [PropertyKey, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
    for (const [key, child] of entries.toReversed()) stack.push({ value: child, path: [...path, key] });
  }
}

function forbidden(value: unknown, path: readonly PropertyKey[]): { message: string; limit?: true } | undefined {
  const key = path.at(-1);
  if (path.length > DEPTH_MAX) return { message: `nested deeper than ${DEPTH_MAX} levels`, limit: true };
  if (key === "__proto__") return { message: "is not a usable key" };
  const flaw = flawOf(value) ?? (typeof key === "string" ? nameFlaw(key) : undefined);
  return flaw === undefined ? undefined : { message: flaw };
}

function misplacedExpression(
  value: unknown,
  path: readonly PropertyKey[],
): { message: string; limit?: true } | undefined {
  const key = path.at(-1);
  if (typeof key === "string" && key.includes("${{")) return { message: `\`\${{\` in a key: ${NOT_HERE}` };
  if (typeof value === "string" && value.includes("${{") && !takesExpressions(path))
    return { message: `\`\${{\`: ${NOT_HERE}` };
  return undefined;
}

function flawOf(value: unknown): string | undefined {
  if (typeof value === "string") return flawOfText(value);
  return typeof value === "number" ? flawOfNumber(value) : undefined;
}

function nameFlaw(key: string): string | undefined {
  const flaw = flawOfText(key);
  return flaw && `has a name that ${flaw}`;
}

/** The key of the step that a path leads into. */
function stepOf(root: unknown, [first, index]: readonly PropertyKey[]): { step?: string } {
  if (first !== "steps" || typeof index !== "number") return {};
  const step: unknown = (root as { steps: unknown[] }).steps[index];
  const key = typeof step === "object" && step !== null && "key" in step ? step.key : undefined;
  return typeof key === "string" ? { step: key } : {};
}
