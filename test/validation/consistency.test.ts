import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { checkConsistency } from "../../src/validation/consistency.js";

const PRECISION_MIN = 0.9;
const RECALL_MIN = 0.8;
const FILE = path.resolve(import.meta.dirname, "../data/consistency.yaml");

const cases = z.array(
  z.strictObject({
    name: z.string(),
    artifacts: z.array(z.strictObject({ name: z.string(), type: z.string(), text: z.string() })),
    faults: z.array(z.string()).default([]),
  }),
);

const labelled = cases.parse(parse(readFileSync(FILE, "utf8")));

test.each(["interfaces", "versions", "requirements"])(
  "%s that disagree are found: at least four of five, and nine in ten of the issues are right",
  (check) => {
    let [right, wrong, missed] = [0, 0, 0];
    const told: string[] = [];
    for (const { name, artifacts, faults } of labelled) {
      const left = faults
        .filter((fault) => fault.startsWith(`${check} `))
        .map((fault) => fault.slice(check.length + 1));
      const found = checkConsistency(artifacts).filter((issue) => issue.check === check);
      for (const { message } of found) {
        const at = left.findIndex((word) => new RegExp(String.raw`${word}(?![\d.]*\d)`).test(message));
        if (at < 0) told.push(`${name}: too many: ${message}`);
        else left.splice(at, 1);
        if (at < 0) wrong += 1;
        else right += 1;
      }
      missed += left.length;
      if (left.length > 0) told.push(`${name}: missed ${left.join(", ")}`);
    }
    const [precision, recall] = [right / (right + wrong), right / (right + missed)];
    process.stdout.write(
      `${check} precision ${precision.toFixed(2)} recall ${recall.toFixed(2)} of ${right + missed}\n`,
    );
    expect({ precision: precision >= PRECISION_MIN, recall: recall >= RECALL_MIN, told }).toMatchObject({
      precision: true,
      recall: true,
    });
  },
);
