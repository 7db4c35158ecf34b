import { startOf } from "../../base/texts/stored-values.js";
import { isDeepStrictEqual } from "node:util";
import type { INPUT_TYPES } from "./schema.js";
import { isObject } from "../../base/json.js";
import { hint } from "../../base/names.js";
import { type Problem, Problems, problemsError } from "../../base/problems.js";

/** An input of a workflow, in its normal form. */
export interface InputDefinition {
  readonly type: (typeof INPUT_TYPES)[number];
  readonly required: boolean;
  readonly default?: unknown;
  readonly description?: string;
  readonly enum?: readonly unknown[];
}

type InputType = InputDefinition["type"];
type WrittenInput = { readonly [K in keyof InputDefinition]?: InputDefinition[K] | undefined } & {
  readonly type: InputType;
};

const NOUN: Readonly<Record<InputType, string>> = {
  string: "a string",
  number: "a number",
  integer: "an integer",
  boolean: "true or false",
  array: "a list",
  object: "an object",
};

function isOfType(value: unknown, type: InputType): boolean {
  switch (type) {
    case "string":
    case "boolean":
      return typeof value === type;
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "integer":
      return Number.isSafeInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
  }
}

function misfit(value: unknown, { type, enum: allowed }: WrittenInput): string | undefined {
  if (!isOfType(value, type)) return `must be ${NOUN[type]}, not ${startOf(JSON.stringify(value), 100)}`;
  if (allowed !== undefined && !allowed.some((one) => isDeepStrictEqual(one, value))) {
    return `must be one of ${startOf(JSON.stringify(allowed), 500)}`;
  }
  return undefined;
}

/** Adds the problems of a definition's declared inputs: defaults and choices of another type, names that differ in case only. */
export function addInputProblems(inputs: Readonly<Record<string, WrittenInput>>, problems: Problems): void {
  const variables = new Map<string, string>();
  for (const [name, input] of Object.entries(inputs)) {
    const other = variables.get(name.toUpperCase());
    variables.set(name.toUpperCase(), name);
    // Both would be the same environment variable of a command.
    if (other !== undefined) problems.add({ path: `inputs.${name}`, message: `differs from "${other}" in case only` });
    for (const choice of input.enum ?? []) {
      if (!isOfType(choice, input.type))
        problems.add({ path: `inputs.${name}.enum`, message: `each must be ${NOUN[input.type]}` });
    }
    if (input.default === undefined) continue;
    if (input.required)
      problems.add({ path: `inputs.${name}`, message: "is required and has a default: one of the two" });
    const message = misfit(input.default, input);
    if (message !== undefined) problems.add({ path: `inputs.${name}.default`, message });
  }
}

/**
 * The inputs of a run: what was given, checked against the definition, and the defaults of the rest. An optional input
 * that is neither is left out. Throws `BatonError` `invalid_input` with every problem in `details`.
 */
export function bindInputs(
  definition: { readonly name: string; readonly inputs: Readonly<Record<string, InputDefinition>> },
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const problems = new Problems();
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(definition.inputs, name)) continue;
    problems.add({
      path: `inputs.${name}`,
      message: `is not an input of "${definition.name}"${hint(name, Object.keys(definition.inputs))}`,
    });
  }
  const bound: [string, unknown][] = [];
  for (const [name, input] of Object.entries(definition.inputs)) {
    const value = Object.hasOwn(given, name) ? given[name] : input.default;
    const problem = inputProblem(name, input, value);
    if (problem !== undefined) problems.add(problem);
    else if (value !== undefined) bound.push([name, value]);
  }
  if (problems.count > 0) throw problemsError("The inputs do not fit", problems.list());
  return Object.fromEntries(bound);
}

/** Returns the problems of values for declared inputs. Undeclared ones are not checked here. */
export function inputProblems(
  declared: Readonly<Record<string, InputDefinition>>,
  given: Readonly<Record<string, unknown>>,
): Problem[] {
  return Object.entries(given).flatMap(([name, value]) => {
    const input = Object.hasOwn(declared, name) ? declared[name] : undefined;
    const problem = input === undefined ? undefined : inputProblem(name, input, value);
    return problem === undefined ? [] : [problem];
  });
}

function inputProblem(name: string, input: InputDefinition, value: unknown): Problem | undefined {
  const path = `inputs.${name}`;
  if (value === undefined) {
    const what = input.description === undefined ? "" : `: ${input.description}`;
    return input.required ? { path, message: `is required (${NOUN[input.type]})${what}` } : undefined;
  }
  const message = misfit(value, input);
  return message === undefined ? undefined : { path, message };
}
