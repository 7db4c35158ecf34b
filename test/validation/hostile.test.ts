import { expect, test } from "vitest";
import { checkConsistency } from "../../src/validation/consistency.js";
import { CHECKS } from "../../src/validation/validation.js";
import { bestOfFew } from "../support/in-time.js";

const BYTES = 1_048_576;
const filled = (part: string) => part.repeat(Math.ceil(BYTES / part.length)).slice(0, BYTES);
/** Lines that are as long as the check reads them. */
const wide = (part: string) => filled(`${part.repeat(4_900 / part.length)}\n`);

test.each([
  ["rows that each begin a table", filled("|-|\n")],
  ["tables in tables", filled("| a | b |\n|-|\n")],
  ["links that never end", wide("[a](")],
  ["brackets within brackets", wide("[[x][y]")],
  ["escaped brackets", wide(String.raw`\[`)],
  ["titles alone", filled("# a\n")],
  ["blank lines", filled("\n")],
  ["lists within lists", filled(Array.from({ length: 60 }, (_, depth) => `${"  ".repeat(depth)}- a\n`).join(""))],
  ["ticks", wide("`a``b")],
])("Markdown of 1 MB that is %s holds the process up for a moment only", (_, text) =>
  bestOfFew(async (inTime) => {
    const from = performance.now();
    const { issues } = await CHECKS["markdown"]!({ name: "a.md", type: "markdown", text, coverageMin: 80 });
    inTime(1_000, from);
    expect(issues.length).toBeLessThan(400);
  }),
);

test("TypeScript of 1 MB that is blanks alone holds the process up for a moment only", () =>
  bestOfFew(async (inTime) => {
    const text = `type A = [${" ".repeat(BYTES)}`;
    const from = performance.now();
    const { issues } = await CHECKS["syntax"]!({ name: "a.ts", type: "code", text, coverageMin: 80 });
    inTime(1_000, from);
    expect(issues.length).toBeGreaterThan(0);
  }));

test.each([
  ["names no id", "a.b-c_d 1\n"],
  ["names many ids", "X-A-B-REQ-1.2.3\n"],
  ["is numbers alone", "1A1.1-"],
])("20,000 ids of requirements are looked for in 1 MB of tests that %s for a moment only", (_, part) =>
  bestOfFew(async (inTime) => {
    const ids = Array.from({ length: 20_000 }, (_one, at) => `- R${at}-FR-1\n`).join("");
    const from = performance.now();
    const issues = checkConsistency([
      { name: "reqs.md", type: "requirements", text: ids },
      { name: "a.test.ts", type: "tests", text: filled(part) },
    ]);
    inTime(4_000, from);
    expect(issues).toHaveLength(100);
  }),
);
