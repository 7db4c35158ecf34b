import { shortText } from "./habits.js";
import type { WrittenStep } from "./schema.js";
import { parseDuration } from "../../base/durations.js";
import { INSTANT_RULE, parseInstant } from "../../base/time.js";
import { readExpression } from "../expressions/expressions.js";
import type { Scope } from "../expressions/names.js";
import type { InputDefinition } from "./inputs.js";
import type { Problems } from "../../base/problems.js";
import type { StepLinks } from "../graph/problems.js";
import { isEvaluatedVariable, shellTemplate } from "../expressions/shell.js";
import { isTemplate, templateParts } from "../expressions/interpolation.js";

/** The context against which the expressions of a definition are checked. */
export interface ExpressionContext {
  readonly inputs: Readonly<Record<string, Pick<InputDefinition, "type">>>;
  readonly steps: readonly PlacedStep[];
  /** All there is to speak of: also steps that are wrong elsewhere, and tasks that are there already. */
  readonly links: readonly StepLinks[];
  readonly problems: Problems;
}

/** A step and its place among all that were written, of which some may be none. */
export interface PlacedStep {
  readonly index: number;
  readonly step: WrittenStep;
  /** The step that undoes this one. */
  readonly compensate?: WrittenStep;
}

/** The values that a step's expressions read. */
export interface StepReads {
  /** Keys of the steps whose results they do. */
  readonly reads: readonly string[];
  /** Whether they read what else changes while the run goes on. */
  readonly late?: true;
}

/** By the step's key. Without an expression, or a condition, it is not among them. */
export type Reads = ReadonlyMap<string, StepReads>;

/** Holds every expression of a definition against the names and types it can speak of. Gives what they read. */
export function readExpressions({ inputs, steps, links, problems }: ExpressionContext): {
  steps: Reads;
  compensations: Reads;
} {
  const reads = new Map<string, StepReads>();
  const compensations = new Map<string, StepReads>();
  const byKey = new Map<string, Needing>();
  for (const { key, needs } of links) if (key !== undefined) byKey.set(key, { needs });
  const types = Object.fromEntries(Object.entries(inputs).map(([name, { type }]) => [name, type]));
  const keys = new Set(byKey.keys());
  for (const { step, index, compensate } of steps) {
    const at = { path: `steps[${index}]`, step: step.key, problems };
    const before = (key: string): boolean => comesBefore(byKey, step, key);
    const scope: Scope = { inputs: types, steps: keys, comesBefore: before, inElement: false };
    const reader = new StepReader(at, scope);
    reader.read(step);
    if (reader.found) reads.set(step.key, reader.reads);
    if (compensate === undefined) continue;
    const undoing = new StepReader(
      { ...at, path: `${at.path}.compensate` },
      // It stands behind the step that it undoes, and for one element where that does.
      { ...scope, comesBefore: (key) => key === step.key || before(key), inElement: step.for_each !== undefined },
    );
    undoing.read(compensate);
    if (undoing.found) compensations.set(step.key, undoing.reads);
  }
  return { steps: reads, compensations };
}

type Needing = { readonly needs?: readonly string[] | undefined };

/** Whether a step needs another, at any distance. */
function comesBefore(byKey: ReadonlyMap<string, Needing>, step: Needing, key: string): boolean {
  const seen = new Set<string>();
  const open = [...(step.needs ?? [])];
  if (open.includes(key)) return true;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const { needs = [] } = byKey.get(next) ?? {};
    if (needs.includes(key)) return true;
    open.push(...needs);
  }
  return false;
}

interface At {
  readonly path: string;
  readonly step: string;
  readonly problems: Problems;
}

/** The kinds of value that an expression must give: as CEL names them, and in words. */
const WANTED = {
  condition: { type: /^bool$/, words: "true or false" },
  list: { type: /^list/, words: "a list" },
} as const;

/** Reads the expressions of one step. */
class StepReader {
  readonly steps = new Set<string>();
  /** Whether there was one. */
  found = false;
  #late = false;
  readonly #at: At;
  readonly #scope: Scope;

  constructor(at: At, scope: Scope) {
    this.#at = at;
    this.#scope = scope;
  }

  get reads(): StepReads {
    return { reads: [...this.steps].sort(), ...(this.#late && { late: true }) };
  }

  #condition(condition: string | boolean, forEach: boolean): void {
    const source = conditionSource(condition);
    if (forEach && /\bitem\b/.test(source.replaceAll(/"[^"]*"|'[^']*'/g, ""))) {
      const { path, step, problems } = this.#at;
      const message = `if is read once, before there are elements: leave some out with for_each: \${{ list.filter(item, ${shortText(source)}) }}`;
      problems.add({ path: `${path}.if`, step, message });
    } else this.#expression("if", source, "condition");
  }

  read(step: WrittenStep): void {
    // The condition and the list stand before any element.
    if (step.if !== undefined) this.#condition(step.if, step.for_each !== undefined);
    const each = step.for_each;
    if (typeof each === "string") this.#expression("for_each", bareSource(each), "list");
    else if (each !== undefined) this.#texts("for_each", each, this.#scope);
    if (each !== undefined) this.found = true;
    const scope = { ...this.#scope, inElement: each !== undefined || this.#scope.inElement };
    for (const field of [
      "title",
      "prompt",
      "criteria",
      "env",
      "arguments",
      "files",
      "ask",
      "for",
      "until",
      "inputs",
    ] as const) {
      if (field in step) this.#texts(field, (step as Record<string, unknown>)[field], scope);
    }
    if (step.kind === "command") this.#command(step, scope);
    if (step.kind === "gate") {
      const inside = new StepReader(this.#at, scope);
      (step.checks ?? []).forEach((check, i) => inside.#expression(`checks[${i}]`, bareSource(check), "condition"));
      addAll(this.steps, inside);
      this.found = true;
    }
    if (step.kind === "wait") this.#times(step);
  }

  #command({ run, env = {} }: Extract<WrittenStep, { kind: "command" }>, scope: Scope): void {
    this.#texts("run", run, scope);
    for (const [name, value] of Object.entries(env)) {
      if (isEvaluatedVariable(name) && isTemplate(value))
        this.#problem(
          `env.${name}`,
          `a shell evaluates what ${name} holds: give the value to a variable with another name`,
        );
    }
    const shell = shellTemplate(run);
    if ("misplaced" in shell) this.#problem("run", shell.misplaced, shell.at);
  }

  #times(step: Extract<WrittenStep, { kind: "wait" }>): void {
    const { for: span, until } = step;
    if (span !== undefined && !isTemplate(span) && parseDuration(span) === undefined)
      this.#problem("for", `${JSON.stringify(span)} is not a duration, such as "20m" or milliseconds`);
    if (until !== undefined && !isTemplate(until) && parseInstant(until) === undefined)
      this.#problem("until", `${JSON.stringify(until)} is not an instant: write ${INSTANT_RULE}`);
  }

  /** Every text of a structure. */
  #texts(field: string, value: unknown, scope: Scope): void {
    if (isTemplate(value)) return this.#text(field, value, scope);
    if (Array.isArray(value)) return value.forEach((entry, i) => this.#texts(`${field}[${i}]`, entry, scope));
    if (typeof value !== "object" || value === null) return;
    for (const [key, entry] of Object.entries(value)) this.#texts(`${field}.${key}`, entry, scope);
  }

  #text(field: string, text: string, scope: Scope): void {
    const parts = templateParts(text);
    if ("unclosedAt" in parts) return this.#problem(field, "`${{` has no end: `}}` is missing", parts.unclosedAt);
    for (const part of parts) {
      if (typeof part === "object") this.#take(field, withWayOut(readExpression(part.source, scope)), part.at);
    }
  }

  #expression(field: string, source: string, wants: keyof typeof WANTED): void {
    const read = readExpression(source, this.#scope);
    this.#take(field, read, 1);
    if ("problems" in read || read.type === "dyn") return;
    const { type, words } = WANTED[wants];
    if (!type.test(read.type)) this.#problem(field, `must be ${words}, and \`${source}\` is ${read.type}`);
  }

  #take(field: string, read: ReturnType<typeof readExpression>, at: number): void {
    this.found = true;
    if ("problems" in read) {
      for (const problem of read.problems) this.#problem(field, problem.message, at + problem.at - 1);
    } else {
      addAll(this.steps, read);
      this.#late ||= read.late;
    }
  }

  #problem(field: string, message: string, at?: number): void {
    const { path, step, problems } = this.#at;
    problems.add({
      path: `${path}.${field}`,
      step,
      message: at === undefined ? message : `at character ${at}: ${message}`,
    });
  }
}

const LITERAL = "a text that only looks like an expression begins with ${{ '${{' }}";

/** Names and functions of expressions elsewhere, with the mend here. */
const EXPRESSION_HABITS: Readonly<Record<string, string>> = {
  needs: "write steps.build.output",
  jobs: "write steps.build.output",
  tasks: "write steps.build.output",
  outputs: "write steps.build.output",
  matrix: "an element of for_each is item",
  env: "pass it as an input: inputs.name; a command reads its own environment as $NAME",
  vars: "pass it as an input: inputs.name",
  params: "write inputs.name",
  success: "write trigger: all_succeeded in place of if:",
  failure: "write trigger: one_failed in place of if:",
  always: "write trigger: all_done in place of if:",
};

/** An unknown name is often another system's: `${{ secrets.TOKEN }}` in a prompt is meant as it stands. */
function withWayOut(read: ReturnType<typeof readExpression>): ReturnType<typeof readExpression> {
  if (!("problems" in read)) return read;
  const worded = (message: string): string => {
    const [, what, name = ""] = /^unknown (name|function) "([^"]+)"/.exec(message) ?? [];
    const habit = Object.hasOwn(EXPRESSION_HABITS, name) ? `; ${EXPRESSION_HABITS[name] ?? ""}` : "";
    return `${message}${habit}${what === "name" ? `; ${LITERAL}` : ""}`;
  };
  return { problems: read.problems.map(({ message, at }) => ({ message: worded(message), at })) };
}

function addAll(to: Set<string>, { steps }: { readonly steps: Iterable<string> }): void {
  for (const step of steps) to.add(step);
}

/** The expression of a condition, with or without `${{ }}` around it. */
export function conditionSource(condition: string | boolean): string {
  return typeof condition === "boolean" ? String(condition) : bareSource(condition);
}

/** An expression without the `${{ }}` around it, if it is all of the text. */
export function bareSource(text: string): string {
  if (!isTemplate(text)) return text;
  const parts = templateParts(text.trim());
  if ("unclosedAt" in parts) return text;
  const [only] = parts;
  return parts.length === 1 && typeof only === "object" ? only.source : text;
}
