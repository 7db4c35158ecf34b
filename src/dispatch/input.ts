import { pathText } from "../base/problems.js";
import { startOf, flawsOf } from "../base/texts/stored-values.js";
import type { z } from "zod";
import { BatonError } from "../base/errors.js";
import { nearest } from "../base/names.js";
import type { Operation } from "./operation.js";
import { keysAt } from "./input/schema-forms.js";

const PROBLEMS_SHOWN_MAX = 50;

/**
 * Refuses an input that the store could not keep as given, before anything else looks into it: texts with NUL or lone
 * surrogates and numbers that JSON cannot hold exactly, each with its place (`invalid_input`), and one that is too large
 * (`limit_exceeded`) or too deep. Everything else passes unchanged.
 */
export function checkInput(operation: string, input: Record<string, unknown>, bytesMax: number): void {
  const flaws = flawsOf(input, bytesMax);
  if (flaws.length === 0) return;
  if (flaws.some(({ limit }) => limit === "bytes")) throw tooLarge(bytesMax);
  throw invalidInput(
    operation,
    flaws.map(({ path, message }) => {
      const place = pathText(path);
      return { path: place, message: `${place === "" ? "The input" : `"${place}"`} ${message}.` };
    }),
  );
}

/** The refusal of an input that is larger than a server takes. */
export function tooLarge(bytesMax: number): BatonError {
  return new BatonError(
    "limit_exceeded",
    `The input is larger than ${bytesMax} bytes, so it was not read and nothing was done. ` +
      "Put large content into a file and pass its path, or send it in parts.",
    { details: { bytes_max: bytesMax } },
  );
}

/** One thing wrong with an input. `path` is empty for the input as a whole. */
export interface InputProblem {
  readonly path: string;
  readonly message: string;
}

/** Parses strictly. Throws `invalid_input` with every problem at once. */
export function parseInput(operation: Operation, input: Record<string, unknown>): Record<string, unknown> {
  const parsed = strict(operation.input).safeParse(input, { reportInput: true });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue, operation.input));
  throw invalidInput(operation.name, problems);
}

const strictSchemas = new WeakMap<z.ZodObject, z.ZodObject>();

/** The schema that refuses unknown keys at the top too. Nested objects say so themselves (a registry test looks). */
export function strict(schema: z.ZodObject): z.ZodObject {
  let made = strictSchemas.get(schema);
  if (made === undefined) {
    made = schema.strict();
    strictSchemas.set(schema, made);
  }
  return made;
}

function invalidInput(operation: string, problems: readonly InputProblem[]): BatonError {
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX);
  const [first] = shown;
  const said =
    shown.length === 1 && first !== undefined
      ? first.message
      : [`${problems.length} problems:`, ...shown.map(({ message }) => `- ${message}`)].join("\n");
  return new BatonError("invalid_input", `Invalid input for ${operation}; nothing was done. ${said}`, {
    details: { problems: shown },
    next: [{ tool: "find_operations", arguments: { query: operation } }],
  });
}

type Issue = z.core.$ZodIssue;

/** `base` is where the issue's path begins. */
function problemsOf(issue: Issue, schema: z.ZodType, base: readonly PropertyKey[] = []): InputProblem[] {
  const { input } = issue;
  const at = [...base, ...issue.path];
  const path = pathText(at);
  const here = path === "" ? "The input" : `"${path}"`;
  const problem = (message: string) => [{ path, message }];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, at, keysAt(schema, at)));
    case "invalid_type":
      if (input === undefined) return problem(`${here} is missing: ${article(issue.expected)} is needed.`);
      return problem(`${here} must be ${article(issue.expected)}, not ${kindOf(input)}.`);
    case "invalid_value":
      return problem(`${here} must be ${oneOf(issue.values)}${didYouMean(input, issue.values)}.`);
    case "too_small":
    case "too_big":
      return problem(`${here} must ${bound(issue)}.`);
    case "invalid_union": {
      // The alternative that came closest says best what is missing.
      const [closest] = issue.errors.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length);
      if (closest === undefined || closest.length === 0 || depth(closest) === 0) {
        return problem(`${here} must be ${alternatives(issue.errors) ?? "of another form"}.`);
      }
      return closest.flatMap((inner) => problemsOf(inner, schema, at));
    }
    default:
      return problem(`${here}: ${sentence(issue.message)}`);
  }
}

const depth = (issues: readonly Issue[]) => Math.max(0, ...issues.map((issue) => issue.path.length));

function alternatives(errors: readonly (readonly Issue[])[]): string | undefined {
  const kinds = errors.map(([issue]) => (issue?.code === "invalid_type" ? article(issue.expected) : undefined));
  const known = kinds.filter((kind) => kind !== undefined);
  return known.length === kinds.length && known.length > 0 ? [...new Set(known)].join(" or ") : undefined;
}

function unknownKey(key: string, at: readonly PropertyKey[], known: readonly string[]): InputProblem {
  const meant = nearest(key, known);
  const shown = startOf(key, 100);
  const where = at.length === 0 ? "" : ` in "${pathText(at)}"`;
  const instead =
    meant !== undefined
      ? ` Did you mean "${meant}"?`
      : known.length > 0 && known.length <= 40
        ? ` It takes ${known.join(", ")}.`
        : "";
  return { path: pathText([...at, shown]), message: `Unknown key "${shown}"${where}.${instead}` };
}

function bound(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const least = issue.code === "too_small";
  const limit = String(least ? issue.minimum : issue.maximum);
  const unit = { string: " characters", array: " elements", set: " elements", map: " entries", file: " bytes" };
  const counted = issue.origin in unit ? unit[issue.origin as keyof typeof unit] : "";
  const verb = counted === "" ? "be" : "have";
  if (issue.inclusive === false) return `${verb} ${least ? "more than" : "less than"} ${limit}${counted}`;
  return `${verb} at ${least ? "least" : "most"} ${limit}${counted}`;
}

function oneOf(values: readonly unknown[]): string {
  const shown = values.map((value) => JSON.stringify(value));
  return shown.length === 1 ? (shown[0] ?? "") : `one of ${shown.join(", ")}`;
}

function didYouMean(given: unknown, values: readonly unknown[]): string {
  if (given === undefined) return "; it is missing";
  if (typeof given !== "string") return `, not ${kindOf(given)}`;
  const meant = nearest(
    given,
    values.filter((value) => typeof value === "string"),
  );
  return `, not ${JSON.stringify(startOf(given, 100))}${meant === undefined ? "" : ` (did you mean "${meant}"?)`}`;
}

function article(expected: string): string {
  const words: Record<string, string> = { int: "a whole number", number: "a number", record: "an object" };
  return words[expected] ?? `${/^[aeiou]/.test(expected) ? "an" : "a"} ${expected}`;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number") return String(value);
  return typeof value === "object" ? "an object" : article(typeof value);
}

function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}
