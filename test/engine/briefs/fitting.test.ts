import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BriefSection, fitBrief } from "../../../src/engine/briefs/fitting.js";
import { estimatedTokens } from "../../../src/engine/briefs/tokens.js";

const MORE = { tool: "get_run", arguments: {} };

const section = (title: string) =>
  fc
    .array(fc.record({ rank: fc.integer({ min: 0, max: 100 }), text: fc.string({ unit: "binary", maxLength: 900 }) }), {
      maxLength: 20,
    })
    .map((facts): BriefSection => ({
      title,
      entries: facts.map(({ rank, text }) => ({ rank, line: (quote) => `said ${quote(text)}` })),
      more: MORE,
    }));

describe("fitting a brief", () => {
  test("never takes more tokens than it may, and counts every line that it leaves out", () => {
    const input = fc.tuple(section("A"), section("B"), section("C"), fc.integer({ min: 200, max: 4_000 }));
    fc.assert(
      fc.property(input, ([head, second, third, tokensMax]) => {
        const { brief, tokens, cut } = fitBrief(head, [second, third], tokensMax);
        expect(tokens).toBe(estimatedTokens(brief));
        expect(tokens).toBeLessThanOrEqual(tokensMax);
        const shown = brief.split("\n").filter((line) => line.startsWith("- said ")).length;
        const left = cut.reduce((sum, { lines }) => sum + lines, 0);
        expect(shown + left).toBe([head, second, third].reduce((sum, { entries }) => sum + entries.length, 0));
      }),
    );
  });

  test("shortens what is quoted before it leaves facts out", () => {
    const entries = [1, 2, 3].map((rank) => ({
      rank,
      line: (quote: (text: string) => string) => quote("word ".repeat(200)),
    }));
    const { brief, cut } = fitBrief({ title: "A", entries, more: MORE }, [], 300);
    expect(cut).toEqual([]);
    expect(brief.split("\n")).toHaveLength(4);
  });
});
