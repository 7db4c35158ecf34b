import { z } from "zod";
import { AREAS } from "../base/areas.js";
import { defineOperation, type Operation } from "../dispatch/operation.js";

const EFFECTS = ["read", "write", "destructive"] as const;
const RESULTS_MAX = 20;

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
    "Finds operations by words, also those that are not tools. Returns ranked names with one line each and, for one exact name, the full input schema.",
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
        input_schema: z.record(z.string(), z.unknown()),
      })
      .optional(),
    more: z.int().optional(),
  }),
  needs: ["operations"],
  perform: async ({ operations: { index } }, { query, area }) => {
    const wanted = query?.trim() ?? "";
    const exact = index.find(wanted);
    const ranked = rank(index.all, wanted).filter((found) => area === undefined || found.area === area);
    const shown = wanted === "" ? ranked : ranked.slice(0, RESULTS_MAX);
    const more = ranked.length - shown.length;
    return {
      ...(exact && {
        operation: {
          ...lineOf(exact),
          description: exact.description,
          aliases: [...(exact.aliases ?? [])],
          input_schema: index.inputSchema(exact),
        },
      }),
      operations: shown.filter((found) => found !== exact).map(lineOf),
      ...(more > 0 && { more }),
    };
  },
});

const nested = {
  name: z.string().min(1).max(100).describe("From find_operations."),
  arguments: z.record(z.string(), z.unknown()).default({}),
} as const;

const nestedResult = z.object({ name: z.string(), result: z.record(z.string(), z.unknown()) });

const queryOperation = defineOperation({
  name: "query_operation",
  title: "Query an operation",
  description: "Runs an operation that only reads and is not a tool of its own, by name. Returns {name, result}.",
  area: "meta",
  effect: "read",
  listed: true,
  input: z.object(nested),
  output: nestedResult,
  needs: ["operations"],
  perform: ({ operations }, input) => operations.call({ ...input, allow: "read" }),
});

const callOperation = defineOperation({
  name: "call_operation",
  title: "Call an operation",
  description:
    "Runs any operation that is not a tool of its own, by name, also one that changes data. Returns {name, result}.",
  area: "meta",
  effect: "destructive",
  listed: true,
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

/** Best first by where the words of the query stand, and in the registry's order among equals. All without a query. */
function rank(operations: readonly Operation[], query: string): Operation[] {
  const words = wordsOf(query);
  if (words.length === 0) return [...operations];
  return operations
    .map((operation) => ({ operation, score: score(operation, words) }))
    .filter(({ score: points }) => points > 0)
    .toSorted((a, b) => b.score - a.score)
    .map(({ operation }) => operation);
}

function score({ name, aliases = [], title, area, description }: Operation, words: readonly string[]): number {
  const names = [name, ...aliases].map(wordsOf);
  const others = wordsOf(`${title} ${area}`);
  const prose = wordsOf(description);
  return words.reduce((sum, word) => {
    const begins = (candidate: string) => candidate.startsWith(word) || (word.length > 3 && word.startsWith(candidate));
    if (names.some((parts) => parts.includes(word))) return sum + 10;
    if (names.some((parts) => parts.some(begins))) return sum + 6;
    if (others.some(begins)) return sum + 4;
    return prose.some(begins) ? sum + 1 : sum;
  }, 0);
}

function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 1);
}
