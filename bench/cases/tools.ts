import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { Benchmark, Outcome } from "../harness/benchmark.js";
import { ROOT } from "../harness/places.js";

/** Token budget of the 25 listed tools. */
const TOKENS_MAX = 4_000;
const BYTES_PER_TOKEN = 4;

const entries = z.array(
  z.object({
    listed: z.boolean(),
    tool: z.object({ name: z.string(), description: z.string(), inputSchema: z.unknown() }),
  }),
);

export const tools: Benchmark = {
  name: "tools",
  title: "What the tool list costs a model",
  async run(): Promise<Outcome> {
    const listed = entries
      .parse(JSON.parse(readFileSync(path.join(ROOT, "dist/tools.json"), "utf8")))
      .filter((entry) => entry.listed);
    const tokens = listed.map(({ tool: { name, description, inputSchema } }) => ({
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
