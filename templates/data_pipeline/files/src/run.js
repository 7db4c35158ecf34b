// One stage of the pipeline: node src/run.js STAGE. Each reads what the one before has written to out/, and says how it went as JSON
// in its last line.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseCsv } from "./csv.js";
import { clean, problemsOf, summarise } from "./stages.js";

const [GROUP_BY] = ${{ [inputs.group_by] }};
const out = new URL("../out/", import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, out), "utf8"));
const write = (name, data) => {
  mkdirSync(out, { recursive: true });
  writeFileSync(new URL(name, out), `${JSON.stringify(data, undefined, 2)}\n`);
};

const STAGES = {
  extract() {
    const rows = parseCsv(readFileSync(new URL("../data/input.csv", import.meta.url), "utf8"));
    write("rows.json", rows);
    return { rows: rows.length };
  },
  clean() {
    const { rows, dropped } = clean(read("rows.json"));
    write("clean.json", rows);
    return { rows: rows.length, dropped };
  },
  summarise() {
    const groups = summarise(read("clean.json"), process.env.GROUP_BY ?? GROUP_BY);
    write("summary.json", groups);
    return { groups: groups.length };
  },
  check() {
    return { problems: problemsOf(read("clean.json"), read("summary.json")) };
  },
};

const stage = process.argv[2];
if (!Object.hasOwn(STAGES, stage)) {
  console.error(`usage: node src/run.js ${Object.keys(STAGES).join("|")}`);
  process.exit(2);
}
console.log(JSON.stringify(STAGES[stage]()));
