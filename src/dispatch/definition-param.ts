import { z } from "zod";
import { readDefinitionText } from "../engine/definitions/text.js";
import type { JsonObject } from "../base/json.js";
import { BatonError } from "../base/errors.js";
import { problemsError } from "../base/problems.js";

// A workflow's definition as a parameter of several operations: loose as published, because its whole schema is large
// and strict where it is read (engine/definitions/definition.ts).

const EXAMPLE =
  '{"steps":[{"key":"a","prompt":"…","files":{"write":["src/a/"]}},{"key":"t","kind":"command","needs":["a"],"run":"npm test"}]}';
const KINDS =
  "Kinds: agent {prompt}, command {run}, tool {server, tool, arguments}, human {ask}, gate {checks}, wait {for | until | event}, workflow {workflow, inputs}, plan {prompt}.";
const KEYS = "Also: if, for_each, role, requires, not_by, trigger, output, retry, timeouts.";

/** Two steps, one after the other: the definition in the example call of an operation. */
export const DEFINITION_EXAMPLE = {
  name: "w",
  steps: [
    { key: "a", prompt: "…" },
    { key: "b", prompt: "…", needs: ["a"] },
  ],
} as const;

export const definition = z.record(z.string(), z.unknown()).optional().describe(`${EXAMPLE} ${KINDS} ${KEYS}`);
export const yaml = z.string().min(1).optional().describe("Or as text.");

export interface WrittenDefinition {
  readonly definition?: JsonObject | undefined;
  readonly yaml?: string | undefined;
}

/** Returns an input in which steps that stand beside the name of their workflow, or alone as a list, are a definition's. */
export function withStepsGathered(given: Record<string, unknown>): Record<string, unknown> {
  const { steps, ...others } = given;
  const written = given["definition"];
  if (Array.isArray(written)) return { ...given, definition: { steps: written } };
  if (!Array.isArray(steps) || written !== undefined || given["yaml"] !== undefined) return given;
  const { name, ...rest } = others;
  return { ...rest, definition: { ...(typeof name === "string" && { name }), steps } };
}

/** The one of the two that was given. Errors: `invalid_input` for both or none. */
export function writtenDefinition({ definition: object, yaml: text }: WrittenDefinition): JsonObject | string {
  if (object !== undefined && text === undefined) return object;
  if (text !== undefined && object === undefined) return text;
  const message =
    object === undefined ? "Give a definition, or its text as yaml." : "Give a definition or yaml, not both.";
  throw new BatonError("invalid_input", message, { details: { expected: ["definition", "yaml"] } });
}

/** The data in a definition's text, YAML or JSON. Errors: `invalid_input` with every problem of its syntax. */
export function readDefinition(text: string): JsonObject {
  const read = readDefinitionText(text);
  if ("problems" in read) throw problemsError("The definition", read.problems);
  return read.value;
}
