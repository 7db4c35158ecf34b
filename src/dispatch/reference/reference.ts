import { type Area, AREAS } from "../../base/areas.js";
import type { Operation } from "../operation.js";
import { COMMON_PARAMETERS } from "../params.js";
import { inputSchema, publishedOutput } from "../published.js";
import { propertiesOf, requiredOf, typeOf } from "../guide/schema-words.js";
import type { JsonSchema } from "../toolsets.js";

const TITLES: Readonly<Record<Area, string>> = {
  meta: "Finding and calling",
  projects: "Projects",
  workflows: "Workflows",
  runs: "Runs",
  tasks: "Tasks",
  locks: "File locks",
  conflicts: "Conflicts",
  artifacts: "Artifacts",
  agents: "Agents",
  routing: "Routing, load and learning",
  recovery: "Failure and recovery",
  resources: "Resources",
  channels: "Messages",
  supervision: "Supervision",
  escalations: "Questions to people",
  dead_letters: "Dead letters",
  checkpoints: "Checkpoints",
  context: "Context",
  cost: "Cost",
  system: "System",
};

const EFFECTS = { read: "reads", write: "writes", destructive: "writes, may take away" } as const;

/** docs/operations.md: every operation with its input and the keys of its answer. */
export function referencePage(operations: readonly Operation[]): string {
  const sections = AREAS.map((area) => operations.filter((operation) => operation.area === area))
    .filter((found) => found.length > 0)
    .map((found) => [`## ${TITLES[found[0]?.area ?? "meta"]}`, ...found.map(entry)].join("\n\n"));
  return `${[INTRODUCTION, ...sections].join("\n\n")}\n`;
}

const INTRODUCTION = `# Operations

Made from the registry by \`npm run reference\`; a test fails when it is out of date.

Those marked ★ are in the default tool list. The others are called through \`query_operation\` and \`call_operation\`, listed with \`--toolsets AREA,…\` or \`--toolsets all\`, and each of them is \`baton call NAME\` in a shell. \`agent\`, \`request_id\` and \`project\` mean the same everywhere and are explained in the server's instructions.`;

function entry(operation: Operation): string {
  const { name, listed = false, effect, aliases = [], aliasInput = {}, description } = operation;
  const alias = (called: string) => {
    const asks = Object.entries(aliasInput[called] ?? {}).map(([key, value]) => `${key}=${String(value)}`);
    return `\`${called}\`${asks.length > 0 ? ` (${asks.join(", ")})` : ""}`;
  };
  const facts = [EFFECTS[effect], ...(aliases.length > 0 ? [`also called ${aliases.map(alias).join(", ")}`] : [])];
  const schema = inputSchema(operation);
  const lines = [
    `### ${name}${listed ? " ★" : ""}`,
    description,
    `_${facts.join("; ")}_`,
    parameters(schema),
    `Answers ${keysOf(publishedOutput(operation))}.`,
  ];
  return lines.filter((line) => line !== "").join("\n\n");
}

function parameters(schema: JsonSchema): string {
  const required = requiredOf(schema);
  return Object.entries(propertiesOf(schema))
    .map(([name, property]) => {
      const about = [typeOf(property), ...(required.includes(name) ? ["required"] : [])].join(", ");
      const text = COMMON_PARAMETERS.has(name) ? undefined : property["description"];
      return `- \`${name}\` (${about})${typeof text === "string" ? `: ${text}` : ""}`;
    })
    .join("\n");
}

function keysOf(schema: JsonSchema): string {
  return Object.keys(propertiesOf(schema))
    .filter((key) => key !== "error")
    .map((key) => `\`${key}\``)
    .join(", ");
}

/** The table of README.md: the tools of the default list, one line each. */
export function toolTable(operations: readonly Operation[]): string {
  const listed = operations.filter((operation) => operation.listed === true);
  const rows = listed.map(({ name, description }) => `| \`${name}\` | ${firstSentence(description)} |`);
  return ["| tool | what it does |", "| --- | --- |", ...rows].join("\n");
}

function firstSentence(description: string): string {
  return (description.split(/(?<=\.)\s/)[0] ?? description).replaceAll("|", "\\|");
}

const BEGIN = "<!-- tools: made by `npm run reference` -->";
const END = "<!-- /tools -->";

/** A README with its table brought up to date. Throws where it has no place for one. */
export function withToolTable(readme: string, operations: readonly Operation[]): string {
  const from = readme.indexOf(BEGIN);
  const to = readme.indexOf(END);
  if (from < 0 || to < from) throw new Error(`README.md has no "${BEGIN}" … "${END}"`);
  return `${readme.slice(0, from)}${BEGIN}\n\n${toolTable(operations)}\n\n${readme.slice(to)}`;
}
