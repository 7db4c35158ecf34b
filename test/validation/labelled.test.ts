import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import type { ValidationIssue } from "../../src/validation/issue.js";
import { CHECKS } from "../../src/validation/validation.js";

const PRECISION_MIN = 0.9;
const RECALL_MIN = 0.8;
const DIRECTORY = path.resolve(import.meta.dirname, "../data/validation");

const cases = z.array(
  z.strictObject({
    name: z.string(),
    file: z.string(),
    text: z.string(),
    /** Lines, or places in words; `-` is the whole text. */
    faults: z.array(z.union([z.int(), z.string()])).default([]),
  }),
);

const table: string[] = [];

interface Tally {
  right: number;
  wrong: number;
  missed: number;
  /** Cases that came out otherwise, in words. */
  readonly told: string[];
}

function placeOf({ line, where }: ValidationIssue): string {
  return String(line ?? where ?? "-");
}

/** `2-5`: one of these lines. */
function isAt(fault: string, place: string): boolean {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(fault) ?? [];
  return from === undefined ? fault === place : Number(place) >= Number(from) && Number(place) <= Number(to);
}

async function tallyOf(check: string): Promise<Tally> {
  const tally: Tally = { right: 0, wrong: 0, missed: 0, told: [] };
  const run = CHECKS[check]!;
  for (const one of cases.parse(parse(readFileSync(path.join(DIRECTORY, `${check}.yaml`), "utf8")))) {
    const subject = { name: one.file, type: check, text: one.text.replaceAll("·", ""), coverageMin: 80 };
    const { issues } = await run(subject);
    const found = issues.filter((issue) => issue.check === check).map(placeOf);
    const left = one.faults.map(String);
    const wrong = found.filter((place) => {
      const at = left.findIndex((fault) => isAt(fault, place));
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
    tally.right += one.faults.length - left.length;
    tally.wrong += wrong.length;
    tally.missed += left.length;
    if (wrong.length + left.length > 0)
      tally.told.push(`${one.name}: too many [${wrong.join(", ")}], missed [${left.join(", ")}]`);
  }
  return tally;
}

const labelled = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => path.basename(file, ".yaml"));

describe("the labelled set", () => {
  afterAll(
    () => void process.stdout.write(`\n${["check            precision  recall  faults", ...table].join("\n")}\n`),
  );

  test("has a file for every check", () => {
    expect(labelled).toEqual(expect.arrayContaining(Object.keys(CHECKS)));
  });

  test.each(labelled)(
    "%s finds at least four faults of five, and nine in ten of its issues are right",
    async (check) => {
      const { right, wrong, missed, told } = await tallyOf(check);
      const [precision, recall] = [right / (right + wrong), right / (right + missed)];
      table.push(
        `${check.padEnd(16)} ${precision.toFixed(2).padStart(9)} ${recall.toFixed(2).padStart(7)} ${String(right + missed).padStart(7)}`,
      );
      table.push(...told.map((line) => `  ${line}`));
      expect(right + missed).toBeGreaterThan(2);
      expect({ precision: precision >= PRECISION_MIN, recall: recall >= RECALL_MIN, told }).toMatchObject({
        precision: true,
        recall: true,
      });
    },
  );
});
