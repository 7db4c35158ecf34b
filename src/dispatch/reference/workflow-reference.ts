import { STEP_KINDS } from "../../base/statuses.js";
import { isObject } from "../../base/json.js";
import { workflowJsonSchema } from "../../engine/definitions/published-schema.js";

type Properties = readonly [key: string, schema: Readonly<Record<string, unknown>>][];

/** docs/workflows.md: every key of a workflow file, from the schema that checks it. */
export function workflowPage(): string {
  const schema = workflowJsonSchema();
  const kinds = kindsOf(schema);
  const [first] = kinds;
  const common = (first?.properties ?? []).filter(([key]) => kinds.every(({ properties }) => has(properties, key)));
  const nested = (key: string) => propertiesOf(common.find(([name]) => name === key)?.[1]);
  const head = propertiesOf(schema);
  const inputs = head.find(([key]) => key === "inputs")?.[1]["additionalProperties"];
  const sections = [
    ["The file", rows(head)],
    ["An input", rows(propertiesOf(inputs))],
    ["`defaults`", rows(propertiesOf(head.find(([key]) => key === "defaults")?.[1]))],
    ["Every step", rows(common)],
    ...kinds.map(({ kind, properties }) => [
      `Steps of kind \`${kind}\``,
      `${KINDS[kind]}\n\n${rows(properties.filter(([key]) => !has(common, key)))}`,
    ]),
    ...["files", "retry", "timeouts"].map((key) => [`\`${key}\``, rows(nested(key))]),
  ];
  return `${[INTRODUCTION, ...sections.map(([title, text]) => `## ${title}\n\n${text}`), EXPRESSIONS].join("\n\n")}\n`;
}

const KINDS: Readonly<Record<(typeof STEP_KINDS)[number], string>> = {
  agent: "An assistant claims it and completes it with a result. The default: a step with `prompt` needs no `kind`.",
  command: "A Baton process runs it in the project's root, if its user allowed that: `--allow-commands`.",
  tool: "A Baton process calls a tool of another MCP server: [tool-steps.md](tool-steps.md).",
  human:
    "A person answers: in a form of their client, where `baton run` asks, or at any terminal with `baton approve`.",
  gate: "Passes when its checks hold, and fails otherwise.",
  wait: "Waits for a time or an event. It says one of the three.",
  plan: "An assistant's result, `{ steps: […] }`, takes the place of this step.",
  workflow: "A child run of a stored workflow. Failure, cancellation and pause pass between the two.",
};

const INTRODUCTION = `# Workflow files

Made from the schema by \`npm run reference\`; a test fails when it is out of date.

A workflow file is YAML or JSON. This one has two steps that run side by side, and one after them:

\`\`\`yaml
# yaml-language-server: $schema=/path/to/baton/schemas/workflow.schema.json
name: ship-feature
inputs:
  topic: { type: string }
steps:
  - key: api
    prompt: Implement \${{ inputs.topic }}.
    files: { write: [src/api/**] }
  - key: docs
    prompt: Describe \${{ inputs.topic }}.
    files: { write: [docs/*.md] }
  - key: test
    needs: [api, docs]
    kind: command
    run: npm test
\`\`\`

\`baton validate FILE\` lists every problem with its line and what to write, \`baton run FILE -i topic=search\` runs it. The first line gives completion and hover texts in editors with the YAML language server; in JSON write \`"$schema"\` instead. [examples/](../examples) has one file for each pattern.

Durations are \`300ms\`, \`20s\`, \`20m\`, \`1h\`, \`2d\`, or whole milliseconds. Every key that is not listed here is refused.`;

const EXPRESSIONS = `## Expressions

\`\${{ … }}\` in the texts of a step is replaced when the step starts; a text that is one expression keeps the type of its value. \`if\`, \`checks\` and \`for_each\` are expressions as they stand. The language is [CEL](https://cel.dev). An expression reads:

| name | value |
| --- | --- |
| \`inputs.NAME\` | an input of the run |
| \`steps.KEY.output\` | result of a step that comes before, in \`needs\` or further up |
| \`steps.KEY.status\`, \`steps.KEY.error\` | how that step ended |
| \`artifact["NAME"]\` | newest version of an artifact of the run: \`exists\`, \`version\`, \`type\`, \`hash\`, \`bytes\`; \`validated\`, \`passed\`, \`critical\` and \`figures\` of its last validation; \`approved\`: every role that was asked has approved this version |
| \`item\`, \`index\` | element of the step's \`for_each\`, and its number from 0 |
| \`run\`, \`project\` | the run (\`run.id\`, \`run.name\`) and the project |

To keep only some elements, filter the list: \`for_each: \${{ inputs.sizes.filter(size, size > 10) }}\`; an \`if\` beside \`for_each\` decides once, about the whole step.`;

interface Kind {
  readonly kind: (typeof STEP_KINDS)[number];
  readonly properties: Properties;
}

function kindsOf(schema: Readonly<Record<string, unknown>>): Kind[] {
  const steps = propertiesOf(schema).find(([key]) => key === "steps")?.[1]["items"];
  const all = isObject(steps) && Array.isArray(steps["anyOf"]) ? (steps["anyOf"] as unknown[]) : [];
  return STEP_KINDS.map((kind, index) => ({ kind, properties: propertiesOf(all[index]) }));
}

function has(properties: Properties, key: string): boolean {
  return properties.some(([name]) => name === key);
}

function propertiesOf(schema: unknown): Properties {
  const { properties } = isObject(schema) ? schema : {};
  return Object.entries(isObject(properties) ? properties : {}).filter(
    (entry): entry is [string, Record<string, unknown>] => isObject(entry[1]),
  );
}

function rows(properties: Properties): string {
  const lines = properties
    .filter(([key]) => key !== "$schema")
    .map(([key, schema]) => `| \`${key}\` | ${valueOf(key, schema)} | ${textOf(schema["description"])} |`);
  return ["| key | value | meaning |", "| --- | --- | --- |", ...lines].join("\n");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  integer: "whole number",
  number: "number",
  boolean: "true or false",
  array: "list",
  object: "map",
};

/** The form of a value in a word or two. */
function valueOf(key: string, schema: Readonly<Record<string, unknown>>): string {
  const { type, enum: values, const: only, anyOf } = schema;
  if (Array.isArray(values)) return values.map(String).join(", ");
  if (typeof only === "string") return only;
  if (Array.isArray(anyOf))
    return [...new Set((anyOf as Readonly<Record<string, unknown>>[]).map((one) => valueOf(key, one)))].join(" or ");
  if (typeof type === "string") return TYPES[type] ?? type;
  return key === "default" || key === "for_each" ? "any value" : "duration";
}
