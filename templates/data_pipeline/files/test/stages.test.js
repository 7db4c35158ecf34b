import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCsv } from "../src/csv.js";
import { clean, problemsOf, summarise } from "../src/stages.js";

const rows = parseCsv('city,amount\r\nBern,7\r\n"Chur, old ""town""",1.5\r\nBern,\r\nBern,x\r\nBern,3\r\n');

test("quoted fields hold commas and quotes", () => {
  assert.equal(rows.length, 5);
  assert.deepEqual(rows[1], { city: 'Chur, old "town"', amount: "1.5" });
});

test("rows without an amount are left out and counted", () => {
  const { rows: kept, dropped } = clean(rows);
  assert.equal(dropped, 2);
  assert.deepEqual(summarise(kept, "city"), [
    { value: "Bern", count: 2, sum: 10 },
    { value: 'Chur, old "town"', count: 1, sum: 1.5 },
  ]);
  assert.throws(() => summarise(kept, "country"), /no column/);
});

test("a summary that does not fit its rows is found", () => {
  const { rows: kept } = clean(rows);
  const summary = summarise(kept, "city");
  assert.deepEqual(problemsOf(kept, summary), []);
  assert.deepEqual(problemsOf(kept, summary.slice(1)), ["the sums differ", "rows are missing"]);
});
