import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCsv } from "../src/csv.js";
import { describe } from "../src/describe.js";

test("numbers are described by their range, mean and deviation, texts by how many there are", () => {
  const rows = parseCsv("team,errors\namber,2\nblue,4\nblue,\n");
  assert.deepEqual(describe(rows), {
    rows: 3,
    columns: [
      { name: "team", kind: "text", missing: 0, distinct: 2 },
      { name: "errors", kind: "number", missing: 1, min: 2, max: 4, mean: 3, deviation: 1 },
    ],
  });
});

test("a table without rows has nothing to describe", () => {
  assert.deepEqual(describe(parseCsv("a,b\n")), { rows: 0, columns: [] });
});
