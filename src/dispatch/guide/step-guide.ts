import { STEP_KINDS, type StepKind } from "../../base/statuses.js";
import { workflowJsonSchema } from "../../engine/definitions/published-schema.js";
import { isObject } from "../../base/json.js";
import { propertiesOf, requiredOf, typeName } from "./schema-words.js";
import type { JsonSchema } from "../toolsets.js";

/** One step of each kind, as it is written in `steps`. */
export const STEP_EXAMPLES: Readonly<Record<StepKind, Readonly<Record<string, unknown>>>> = {
  agent: { key: "api", prompt: "Write …", needs: ["plan"], files: { write: ["src/api/**"] } },
  command: { key: "test", kind: "command", run: "npm test", needs: ["api"], if: "steps.api.output.changed" },
  tool: { key: "read", kind: "tool", server: "files", tool: "read_text_file", arguments: { path: "a.md" } },
  human: { key: "ship", kind: "human", ask: "Ship ${{ inputs.version }}?", needs: ["test"] },
  gate: { key: "green", kind: "gate", checks: ["steps.test.status == 'succeeded'"], needs: ["test"] },
  wait: { key: "merged", kind: "wait", event: "merged" },
  plan: { key: "plan", kind: "plan", prompt: "Divide … into steps." },
  workflow: { key: "docs", kind: "workflow", workflow: "write-docs", inputs: { path: "docs" } },
};

/** How the steps of a definition are written, in few words: the whole schema is baton://schemas/workflow. */
export interface StepGuide {
  /** Keys of a step of any kind. */
  readonly keys: Readonly<Record<string, string>>;
  /** Keys of each kind beside those, and an example. */
  readonly kinds: { readonly kind: string; readonly keys: string; readonly example: unknown }[];
  readonly definition: string;
  readonly expressions: string;
}

export function stepGuide(): StepGuide {
  const schemas = kindSchemas();
  const keysOf = (kind: StepKind) => Object.keys(propertiesOf(schemas[kind]));
  const common = new Set(keysOf("agent").filter((key) => STEP_KINDS.every((kind) => keysOf(kind).includes(key))));
  const agent = propertiesOf(schemas.agent);
  return {
    keys: Object.fromEntries(
      [...common].filter((key) => key !== "kind").map((key) => [key, keyText(agent[key] ?? {})]),
    ),
    kinds: STEP_KINDS.map((kind) => ({ kind, keys: ownKeys(schemas[kind], common), example: STEP_EXAMPLES[kind] })),
    definition: `{name, steps, ${Object.keys(propertiesOf(workflowJsonSchema()))
      .filter((key) => key !== "name" && key !== "steps")
      .map((key) => `${key}?`)
      .join(", ")}}`,
    expressions:
      "CEL over inputs, steps.KEY.output|status|error, run, item, index: bare in if and checks, ${{ … }} within texts.",
  };
}

function kindSchemas(): Record<StepKind, JsonSchema> {
  const { items } = propertiesOf(workflowJsonSchema())["steps"] ?? {};
  const choices = isObject(items) && Array.isArray(items["anyOf"]) ? items["anyOf"].filter(isObject) : [];
  return Object.fromEntries(STEP_KINDS.map((kind, index) => [kind, choices[index] ?? {}])) as Record<
    StepKind,
    JsonSchema
  >;
}

/** `run, cwd?, env?`: the keys that only some kinds have, those that may be left out with a question mark. */
function ownKeys(schema: JsonSchema, common: ReadonlySet<string>): string {
  const required = requiredOf(schema);
  return Object.keys(propertiesOf(schema))
    .filter((key) => !common.has(key))
    .map((key) => (required.includes(key) ? key : `${key}?`))
    .join(", ");
}

function keyText(property: JsonSchema): string {
  const { description } = property;
  const inner = Object.keys(propertiesOf(property));
  const form = inner.length > 0 ? `{${inner.map((key) => `${key}?`).join(", ")}}` : typeName(property);
  return typeof description === "string" ? `${form}: ${description}` : form;
}
