// Describes data/table.csv, as JSON in one line.
import { readFileSync } from "node:fs";
import { parseCsv } from "./csv.js";
import { describe } from "./describe.js";

const text = readFileSync(new URL("../data/table.csv", import.meta.url), "utf8");
console.log(JSON.stringify(describe(parseCsv(text))));
