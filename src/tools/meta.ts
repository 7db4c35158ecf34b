import { z } from "zod";
import { AREAS } from "../base/areas.js";
import { exampleCall } from "../dispatch/guide/examples.js";
import { defineOperation, type Operation } from "../dispatch/operation.js";
import { publishedOutput } from "../dispatch/published.js";
import { propertiesOf, typeName } from "../dispatch/guide/schema-words.js";
import { searchOperations } from "../dispatch/guide/search.js";
import { stepGuide } from "../dispatch/guide/step-guide.js";

const EFFECTS = ["read", "write", "destructive"] as const;
const RESULTS_MAX = 10;

const operationLine = z.strictObject({
  name: z.string(),
  summary: z.string(),
  area: z.enum(AREAS),
  effect: z.enum(EFFECTS),
});

const findOperations = defineOperation({
  name: "find_operations",
  title: "Find operations",
  description:
    "Finds operations by words, also those that are not tools. Returns ranked names with one line each; for one exact name its input schema, an example, and how steps are written.",
  area: "meta",
  effect: "read",
  listed: true,
  input: z.object({
    query: z.string().max(300).optional().describe("Words, or one exact name."),
    area: z.enum(AREAS).optional(),
  }),
  output: z.object({
    operations: z.array(operationLine),
    operation: operationLine
      .extend({
        description: z.string(),
        aliases: z.array(z.string()),
        example: z.record(z.string(), z.unknown()),
        answers: z.record(z.string(), z.string()),
        steps: z
          .object({
            definition: z.string(),
            keys: z.record(z.string(), z.string()),
            kinds: z.array(z.object({ kind: z.string(), keys: z.string(), example: z.unknown() })),
            expressions: z.string(),
          })
          .optional(),
        input_schema: z.record(z.string(), z.unknown()),
      })
      .optional(),
    more: z.int().optional(),
  }),
  needs: ["operations"],
  perform: async ({ operations: { index } }, { query, area }) => {
    const wanted = query?.trim() ?? "";
    const exact = index.find(wanted);
    if (exact !== undefined) return { operation: detailsOf(exact, index.inputSchema(exact)), operations: [] };
    const ranked = searchOperations(index.all, wanted).filter((found) => area === undefined || found.area === area);
    const shown = wanted === "" ? ranked : ranked.slice(0, RESULTS_MAX);
    const more = ranked.length - shown.length;
    return { operations: shown.map(lineOf), ...(more > 0 && { more }) };
  },
});

function detailsOf(operation: Operation, schema: Record<string, unknown>) {
  const answers = Object.entries(propertiesOf(publishedOutput(operation))).filter(([key]) => key !== "error");
  return {
    ...lineOf(operation),
    description: operation.description,
    aliases: [...(operation.aliases ?? [])],
    example: exampleCall(operation),
    ...(operation.takesSteps === true && { steps: stepGuide() }),
    answers: Object.fromEntries(answers.map(([key, property]) => [key, typeName(property)])),
    input_schema: schema,
  };
}

const nested = {
  name: z.string().min(1).max(100).describe("From find_operations."),
  arguments: z.record(z.string(), z.unknown()).default({}),
} as const;

const nestedResult = z.object({ name: z.string(), result: z.record(z.string(), z.unknown()) });

const queryOperation = defineOperation({
  name: "query_operation",
  title: "Query an operation",
  description: "Runs a reading operation that is not a tool of its own. Returns {name, result}.",
  area: "meta",
  effect: "read",
  listed: true,
  example: { name: "list_runs", arguments: {} },
  input: z.object(nested),
  output: nestedResult,
  needs: ["operations"],
  perform: ({ operations }, input) => operations.call({ ...input, allow: "read" }),
});

const callOperation = defineOperation({
  name: "call_operation",
  title: "Call an operation",
  description: "Runs any operation that is not a tool of its own, also one that changes data. Returns {name, result}.",
  area: "meta",
  effect: "destructive",
  listed: true,
  aliases: ["execute_tool"],
  example: { name: "signal", arguments: { run: "run_…", event: "merged" } },
  input: z.object(nested),
  output: nestedResult,
  needs: ["operations"],
  perform: ({ operations }, input) => operations.call({ ...input, allow: "any" }),
});

export const metaOperations = [findOperations, queryOperation, callOperation] as const;

function lineOf({ name, area, effect, description }: Operation): z.output<typeof operationLine> {
  const [summary = description] = description.split(/(?<=\.)\s/);
  return { name, summary, area, effect };
}
