import { readFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { chunksOfText } from "../../src/compaction/chunks.js";
import { Encoding } from "../../src/compaction/encoding.js";
import { familyOf, tokensOf, tokensWithin } from "../../src/compaction/families.js";

/** Counts that tiktoken's own table and merges give, by the package js-tiktoken 1.0.21. */
const COUNTED = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, "../data/tokens/o200k_base.json"), "utf8"),
) as readonly { text: string; tokens: number }[];

let encoding: Encoding;
beforeAll(() => {
  encoding = new Encoding();
});

describe("the encoding o200k_base", () => {
  test("counts what the encoder of the models counts, in every script", () => {
    expect(COUNTED.length).toBeGreaterThan(100);
    expect(COUNTED.map(({ text }) => encoding.count(text))).toEqual(COUNTED.map(({ tokens }) => tokens));
  });

  test("counts a million signs without a blank in time that grows with their number", () => {
    const took = (text: string): number => {
      const from = performance.now();
      encoding.count(text);
      return performance.now() - from;
    };
    // Merging with a scan for each pair would take the square: 2,500 times as long for 50 times the signs.
    for (const sign of ["a", "ก", " ", "'"])
      expect(took(sign.repeat(500_000))).toBeLessThan(500 * Math.max(5, took(sign.repeat(10_000))));
  });

  test("cuts a text to its longest beginning with at most so many tokens", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), fc.nat(50), (text, max) => {
        const cut = encoding.cut(text, max);
        expect(text.startsWith(cut.text)).toBe(true);
        expect(cut.tokens).toBeLessThanOrEqual(max);
        expect(encoding.count(text) > max || cut.text === text).toBe(true);
      }),
    );
  });
});

describe("families of models", () => {
  test.each([
    ["gpt-5.2", "openai", 1],
    ["openai/gpt-4o-mini", "openai", 1],
    ["o3", "openai", 1],
    ["gpt-4-turbo", "openai-earlier", 1.1],
    ["claude-opus-4-8", "claude", 1.6],
    ["claude-sonnet-5", "claude", 1.6],
    ["anthropic/claude-sonnet-4.6", "claude-earlier", 1.25],
    ["us.anthropic.claude-3-5-sonnet-20241022-v2", "claude-earlier", 1.25],
    ["gemini-3-pro", "gemini", 1.1],
    ["llama-4", "unknown", 1.2],
    [undefined, "o200k_base", 1],
  ])("%s is of the family %s", (model, name, factor) => {
    expect(familyOf(model)).toMatchObject({ name, factor });
    expect(familyOf(model).source).not.toBe("");
  });

  test("a bound in tokens of a family is kept by what it allows in o200k_base", () => {
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.constantFrom("gpt-5", "claude-opus-4-8", "claude-3-opus", "gemini-3", "x"),
        (max, model) => {
          const family = familyOf(model);
          expect(tokensOf(tokensWithin(max, family), family)).toBeLessThanOrEqual(max);
        },
      ),
    );
  });
});

describe("chunks", () => {
  const line = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 120 }),
    fc.constantFrom("", "# Heading", "    ", "x".repeat(2_000), "word ".repeat(300), "日本語".repeat(200)),
  );
  test("have at most the tokens that were asked for, and are the whole text without what overlaps", () => {
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 40 }),
        fc.integer({ min: 64, max: 400 }),
        fc.nat(150),
        (lines, max, overlap) => {
          const text = lines.join("\n");
          const apart = chunksOfText(text, { max, overlap: 0 }, encoding);
          expect(apart.map((chunk) => chunk.text).join("")).toBe(text);
          const chunks = chunksOfText(text, { max, overlap }, encoding);
          for (const [at, chunk] of chunks.entries()) {
            expect(chunk.tokens).toBe(encoding.count(chunk.text));
            expect(chunk.tokens).toBeLessThanOrEqual(max);
            expect(text.includes(chunk.text)).toBe(true);
            // No line is left out between it and the one before.
            expect(chunk.from).toBeLessThanOrEqual((chunks[at - 1]?.to ?? 0) + 1);
          }
          expect(text.endsWith(chunks.at(-1)?.text ?? "")).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("begin at headings and after empty lines, and repeat whole lines", () => {
    const section = (name: string): string => `## ${name}\n\n${`A sentence about ${name}.\n`.repeat(12)}\n`;
    const text = ["one", "two", "three", "four"].map(section).join("");
    const chunks = chunksOfText(text, { max: 100, overlap: 0 }, encoding);
    expect(chunks.map((chunk) => chunk.text.split("\n", 1)[0])).toEqual(["## one", "## two", "## three", "## four"]);
    const [first, second] = chunksOfText(text, { max: 100, overlap: 20 }, encoding);
    expect(second?.from).toBeLessThanOrEqual(first?.to ?? 0);
    expect(second?.text.startsWith("A sentence about one.\n")).toBe(true);
  });
});
