import { monitorEventLoopDelay } from "node:perf_hooks";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { TextWorker } from "../../../src/compaction/text-thread.js";
import type { CodeLanguage } from "../../../src/validation/code/syntax.js";
import type { Bench, Benchmark, Outcome } from "../../harness/benchmark.js";
import { ROOT } from "../../harness/places.js";
import { figuresOf, interleave, median, medianRatio } from "../../harness/rounds.js";

const BYTES = 1_000_000;
const ROUNDS = 15;
/** Tokens of the extract: a third of the text's. */
const EXTRACT_TOKENS = 80_000;
const EXPORTED =
  /^export (?:default )?(?:abstract )?(?:async )?(?:function\*?|class|const|let|interface|type|enum) (\w+)/gm;

interface Compaction {
  readonly extractAll: (orders: Parameters<TextWorker["extract"]>[0]) => ReturnType<TextWorker["extract"]>;
  readonly countTokens: (texts: readonly string[]) => number[];
}

interface Parsing {
  readonly parseCode: (language: CodeLanguage, text: string) => Promise<{ delete(): void } | undefined>;
}

export const context: Benchmark = {
  name: "context",
  title: "Shortening code, beside a bare parse of it",
  async run({ quick }: Bench): Promise<Outcome> {
    const { extractAll, countTokens } = await built<Compaction>("compaction/compaction.js");
    const { parseCode } = await built<Parsing>("validation/code/syntax.js");
    const sources = sourcesOf(path.join(ROOT, "src"));
    const text = sources
      .map((source) => source.text)
      .join("\n")
      .slice(0, BYTES);
    const order = { content: text, kind: "code", language: "typescript", max: EXTRACT_TOKENS } as const;
    const figures = await interleave(
      [
        { name: "parse", round: async () => elapsed(async () => (await parseCode("typescript", text))?.delete()) },
        { name: "extract", round: async () => elapsed(() => extractAll([order])) },
        { name: "count", round: async () => elapsed(async () => countTokens([text])) },
      ],
      quick ? 3 : ROUNDS,
    );
    const [parse, extract] = [figuresOf(figures, "parse"), figuresOf(figures, "extract")];
    const symbols = await keptSymbols(sources, { extractAll, countTokens });
    return {
      lines: [
        {
          what: "1 MB of TypeScript to its outline",
          value: median(extract),
          unit: "ms",
          peer: { name: "tree-sitter alone", value: median(parse) },
          ratio: medianRatio(extract, parse),
          target: { of: "ratio", at: "most", limit: 2 },
        },
        { what: "counting the tokens of 1 MB", value: median(figuresOf(figures, "count")), unit: "ms" },
        {
          what: `names that the ${sources.length} sources here export, in their extracts`,
          value: symbols.kept * 100,
          unit: "%",
          target: { of: "value", at: "least", limit: 95 },
        },
        { what: "tokens of these extracts", value: symbols.tokens * 100, unit: "%" },
        {
          what: "longest pause of the process while its thread shortens 1 MB",
          value: await longestPause(order),
          unit: "ms",
          target: { of: "value", at: "most", limit: 50 },
        },
      ],
      notes: [
        "An extract may have two fifths of a source's tokens. Rounds of parsing, shortening and counting alternate.",
      ],
    };
  },
};

/** Code as it is built: from a copy elsewhere it would not find grammars and encoding. */
async function built<T>(file: string): Promise<T> {
  return (await import(path.join(ROOT, "dist", file))) as T;
}

interface SourceText {
  readonly name: string;
  readonly text: string;
}

function sourcesOf(directory: string): SourceText[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .sort()
    .map((name) => ({ name, text: readFileSync(path.join(directory, name), "utf8") }));
}

async function keptSymbols(sources: readonly SourceText[], { extractAll, countTokens }: Compaction) {
  let [names, kept, tokens, after] = [0, 0, 0, 0];
  for (const { name, text } of sources) {
    const [count = 0] = countTokens([text]);
    const [extract] = await extractAll([{ content: text, kind: "code", name, max: Math.floor(count * 0.4) }]);
    const exported = [...text.matchAll(EXPORTED)].map(([, symbol = ""]) => symbol);
    names += exported.length;
    kept += exported.filter((symbol) => new RegExp(`\\b${symbol}\\b`).test(extract?.text ?? text)).length;
    tokens += count;
    after += extract?.tokens ?? count;
  }
  return { kept: kept / names, tokens: after / tokens };
}

async function longestPause(order: Parameters<TextWorker["extract"]>[0][number]): Promise<number> {
  const { TextThread } =
    await built<typeof import("../../../src/compaction/text-thread.js")>("compaction/text-thread.js");
  const thread = new TextThread();
  await thread.count(["warm"]);
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  await thread.extract([order]);
  delays.disable();
  await thread.close();
  return delays.max / 1e6;
}

async function elapsed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
