import type { z } from "zod";
import { BatonError } from "./errors.js";

/** One thing that is wrong with what a caller handed in. */
export interface Problem {
  /** Where: `steps[3].timeouts.heartbeat`, or empty for the whole. */
  readonly path: string;
  /** The key of the step it is about, where there is one. */
  readonly step?: string;
  /** In a text: its line, from 1. */
  readonly line?: number;
  readonly message: string;
  /** A cycle's keys in order, the first repeated at the end. */
  readonly cycle?: readonly string[];
  /** A bound of the server, not a mistake in form. */
  readonly limit?: true;
}

/** So many are told one by one: a definition of 10,000 broken steps has an answer of bounded size. */
const TOLD_MAX = 100;
const IN_MESSAGE = 5;

/** Collects problems up to a bound and counts the rest. */
export class Problems {
  readonly #told: Problem[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** True once further problems are only counted, so that costly wording can be spared. */
  get full(): boolean {
    return this.#told.length >= TOLD_MAX;
  }

  add(problem: Problem): void {
    this.#count++;
    if (!this.full) this.#told.push(problem);
  }

  list(): Problem[] {
    const untold = this.#count - this.#told.length;
    return untold === 0 ? [...this.#told] : [...this.#told, { path: "", message: `and ${untold} more problems` }];
  }
}

/** `a`, `a.b`, `a[0].b`: a path as people write it. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

/** Stands between the unknown keys of one object in the message of an issue: each is a problem of its own. */
export const KEY_SEPARATOR = "\n";

/** The problems of a failed parse, below a path. */
export function zodProblems(error: z.ZodError, base: readonly PropertyKey[] = [], step?: string): Problem[] {
  return error.issues.flatMap((issue) => {
    const message = messageOf(issue);
    const messages = issue.code === "unrecognized_keys" ? message.split(KEY_SEPARATOR) : [message];
    const path = pathText([...base, ...issue.path]);
    return messages.map((one) => ({ path, ...(step === undefined ? {} : { step }), message: one }));
  });
}

/** Returns the reason why a key does not fit, rather than that it is invalid. */
function messageOf(issue: z.core.$ZodIssue): string {
  const [reason] = issue.code === "invalid_key" ? issue.issues : [];
  return reason?.message ?? issue.message;
}

/** Says of a missing value that it is missing; everything else is worded by zod. For the `error` option of a parse. */
export function missingFirst(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== "invalid_type" || issue.input !== undefined) return undefined;
  return `is required (${issue.expected === "record" ? "object" : issue.expected})`;
}

/** One line for a problem: where, then what. */
export function problemText({ path, step, line, message }: Problem): string {
  const where = [line === undefined ? "" : `line ${line}`, path, step === undefined ? "" : `step "${step}"`];
  const place = where.filter((part) => part !== "").join(", ");
  return place === "" ? message : `${place}: ${message}`;
}

/** The error that tells every problem: `limit_exceeded` where one is a bound, else `invalid_input`. */
export function problemsError(what: string, problems: readonly Problem[]): BatonError {
  const lines = problems.slice(0, IN_MESSAGE).map(problemText);
  const rest = problems.length - lines.length;
  const message = `${what}: ${lines.join("; ")}${rest > 0 ? `; and ${rest} more` : ""}.`;
  const code = problems.some((problem) => problem.limit) ? "limit_exceeded" : "invalid_input";
  return new BatonError(code, message, { details: { problems } });
}
