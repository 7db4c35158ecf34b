import type { z } from "zod";
import type { JsonObject } from "../../base/json.js";
import type { Problem } from "../../base/problems.js";
import { nearest } from "../../base/names.js";
import { shortText } from "./habits.js";

export const GATE_HOLDS =
  "a gate has expressions that must hold: checks: [steps.test.output.passed], or reviews: [build]";

/** The mend of a key that is missing, by its name. */
const MISSING: Readonly<Record<string, string>> = {
  key: "every step has one: key: build",
  prompt: "say what the agent is to do: prompt: …",
  run: "write the command line: run: npm test",
  ask: 'a human step asks a person: ask: "Release it?"',
  checks: GATE_HOLDS,
  server: "name the MCP server: server: github",
  tool: "name the server's tool: tool: create_issue",
  workflow: "name a stored workflow: workflow: release",
  steps: "a workflow is a list of steps, each beginning with - key: build",
  type: "an input has a type: type: string",
};

/** How a value that has to be a map or a list is written, by its key. */
const EXAMPLES: Readonly<Record<string, string>> = {
  steps: "steps is a list, each beginning with - key: build",
  timeouts: "timeouts: { start_to_close: 5m }",
  retry: "retry: { max_attempts: 3 }",
  files: "files: { write: [src/**], read: [docs/**] }",
  inputs: "inputs: { topic: { type: string } } at the top, inputs: { topic: value } in a workflow step",
  env: "env: { NAME: value }",
  arguments: "arguments: { name: value }",
  defaults: "defaults: { retry: { max_attempts: 3 } }",
  checks: "checks: [steps.test.output.passed]",
  form: "form: { properties: { version: { type: string } } }",
  compensate: "compensate: { kind: command, run: npm run undo }",
  run: "write run: | and each command on a line of its own",
  prompt: "write prompt: | and the lines of the text",
  max_parallel: "max_parallel: 4",
  cwd: "cwd: packages/app",
  role: "role: reviewer",
};

/** Words for what is wrong with a definition, with the way to write it. For the `error` option of a parse. */
export function wordIssue(issue: z.core.$ZodRawIssue): string | undefined {
  const key = issue.path?.at(-1);
  const name = typeof key === "string" ? key : "";
  switch (issue.code) {
    case "invalid_type":
      return wrongType(
        issue.expected,
        issue.input,
        isInput(issue.path) ? { name, example: `${name}: { type: string }` } : { name },
      );
    case "invalid_value":
      return `must be ${oneOf(issue.values)}, not ${shownValue(issue.input)}${valueMeant(issue)}`;
    case "too_small":
      return tooSmall(issue);
    case "too_big":
      return tooBig(issue);
    default:
      return undefined;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  record: "a map",
  object: "a map",
};

/** Beginning of the problem of a value that would be a text in quotes; behind it stands the value. */
export const PUT_IN_QUOTES = "must be a text: put it in quotes:";

/** Whether a problem is about an input of the whole workflow. */
function isInput(path: readonly PropertyKey[] = []): boolean {
  return path.length === 2 && path[0] === "inputs";
}

/** Values by the names that they have elsewhere: those that fit the field count. */
const VALUE_HABITS: Readonly<Record<string, string>> = {
  always: "all_done",
  success: "all_succeeded",
  on_success: "all_succeeded",
  all_success: "all_succeeded",
  one_success: "one_succeeded",
  failure: "one_failed",
  failed: "one_failed",
  on_failure: "one_failed",
  medium: "normal",
  default: "normal",
  urgent: "critical",
  highest: "critical",
  lowest: "low",
  int: "integer",
  float: "number",
  bool: "boolean",
  list: "array",
  map: "object",
  text: "string",
  str: "string",
};

function valueMeant({ input, values }: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidValue>): string {
  if (typeof input !== "string") return "";
  const words = values.map(String);
  const habit = Object.hasOwn(VALUE_HABITS, input.toLowerCase()) ? VALUE_HABITS[input.toLowerCase()] : undefined;
  const meant = habit !== undefined && words.includes(habit) ? habit : nearest(input, words);
  return meant === undefined ? "" : `: write ${meant}`;
}

interface Named {
  readonly name: string;
  /** How its value is written. */
  readonly example?: string;
}

function wrongType(expected: string, input: unknown, { name, example = EXAMPLES[name] }: Named): string {
  const wanted = TYPES[expected] ?? expected;
  if (input === undefined) return `is missing: ${MISSING[name] ?? `it must be ${wanted}`}`;
  if (input === null) return `has no value: write ${wanted}, or leave the key out`;
  if (expected === "string" && (typeof input === "number" || typeof input === "boolean"))
    return `${PUT_IN_QUOTES} ${name === "" ? "" : `${name}: `}"${String(input)}"`;
  if (expected === "array" && name !== "steps" && typeof input === "string")
    return `must be a list: ${name}: [${shortText(input)}]`;
  const only: unknown = Array.isArray(input) && input.length === 1 ? input[0] : undefined;
  if (expected === "string" && typeof only === "string") return `must be a text: ${name}: ${shortText(only)}`;
  return `must be ${wanted}, not ${kindOf(input)}${example === undefined ? "" : `: ${example}`}`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value === "string") return "a text";
  return `the ${typeof value} ${shortText(value)}`;
}

function shownValue(value: unknown): string {
  return typeof value === "string" ? `"${shortText(value)}"` : shortText(value);
}

function oneOf(values: readonly unknown[]): string {
  const shown = values.map(String);
  return shown.length === 1 ? (shown[0] ?? "") : `one of ${shown.join(", ")}`;
}

function tooSmall({ origin, minimum }: z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall>): string | undefined {
  if (origin === "string" || origin === "array") {
    return Number(minimum) === 1 ? "must not be empty" : `must have at least ${minimum} elements`;
  }
  return `must be at least ${minimum}`;
}

function tooBig({ origin, maximum }: z.core.$ZodRawIssue<z.core.$ZodIssueTooBig>): string {
  if (origin === "string") return `must have at most ${maximum} characters`;
  return origin === "array" ? `must have at most ${maximum} elements` : `must be at most ${maximum}`;
}

// Problems that say again what another one says, which hides the one that helps.

/** Keys that are written by mistake in place of a required one. */
const IN_PLACE: Readonly<Record<string, readonly string[]>> = {
  key: ["id", "name"],
  prompt: ["task", "instructions", "description", "details", "message"],
  ask: ["prompt", "question", "message", "description"],
  run: ["command", "commands", "cmd", "cmds", "script"],
  checks: ["check", "condition", "conditions", "when", "expression"],
  steps: ["jobs", "tasks", "services", "stages", "nodes"],
};

/** Leaves out that a key is missing where the step has the wrong one for it: the unknown key is told with its mend. */
export function withoutMissing(problems: readonly Problem[], step: JsonObject): readonly Problem[] {
  return problems.filter(({ path, message }) => {
    const field = path.slice(path.lastIndexOf(".") + 1);
    // A merge key brings others along.
    if (message.startsWith("is missing") && Object.hasOwn(step, "<<")) return false;
    return !message.startsWith("is missing") || !(IN_PLACE[field] ?? []).some((key) => Object.hasOwn(step, key));
  });
}

/** Keeps, of the bounds that one value exceeds, the one that counts: the smallest, and none of a number that is meant as a text. */
export function withStrictestBounds(problems: readonly Problem[]): Problem[] {
  const inQuotes = new Set(problems.flatMap(({ path, message }) => (message.startsWith(PUT_IN_QUOTES) ? [path] : [])));
  const strictest = new Map<string, number>();
  for (const { path, message } of problems) {
    const bound = boundIn(message);
    if (bound !== undefined) strictest.set(path, Math.min(bound, strictest.get(path) ?? bound));
  }
  return problems.filter(({ path, message }) => {
    const bound = strictest.get(path);
    if (message.startsWith("is a number beyond") && inQuotes.has(path)) return false;
    return (
      bound === undefined || boundIn(message) === bound || !/^(?:must be at most|is a number beyond) /.test(message)
    );
  });
}

function boundIn(message: string): number | undefined {
  const [, bound] = /^must be at most (\d+)$/.exec(message) ?? [];
  return bound === undefined ? undefined : Number(bound);
}
