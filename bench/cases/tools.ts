import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { Benchmark, Outcome } from "../harness/benchmark.js";
import { ROOT } from "../harness/places.js";

/** Token budget of the 25 listed tools. */
const TOKENS_MAX = 4_000;
const BYTES_PER_TOKEN = 4;

const published = z.object({ name: z.string(), description: z.string(), inputSchema: z.unknown() });

export const tools: Benchmark = {
  name: "tools",
  title: "What the tool list costs a model",
  async run(): Promise<Outcome> {
    // Each tool on a line of its own, after one that says when it is listed.
    const lines = readFileSync(path.join(ROOT, "dist/tools-listed.jsonl"), "utf8").split("\n");
    const listed = lines.filter((_, at) => at % 2 === 1).map((line) => published.parse(JSON.parse(line)));
    const tokens = listed.map(({ name, description, inputSchema }) => ({
      name,
      tokens: Buffer.byteLength(JSON.stringify({ name, description, inputSchema })) / BYTES_PER_TOKEN,
    }));
    const sum = tokens.reduce((total, { tokens: some }) => total + some, 0);
    return {
      lines: [
        {
          what: `name, description and input of ${listed.length} tools`,
          value: sum,
          unit: "tokens",
          target: { of: "value", at: "most", limit: TOKENS_MAX },
        },
      ],
      notes: ["JSON bytes / 4."],
      detail: Object.fromEntries(tokens.map(({ name, tokens: some }) => [name, some])),
    };
  },
};
