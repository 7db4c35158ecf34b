import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, test } from "vitest";
import { exportStore, importStore } from "../../../src/app/transfers.js";
import { EXPORTED_TABLES } from "../../../src/store/exports/tables.js";
import { text } from "../../../src/store/rows.js";
import type { Store } from "../../../src/store/tx.js";
import { Checker, findingsText } from "../../support/checker/checker.js";
import { countOf } from "../../support/counts.js";
import { BACKENDS, type Backend, createDatabase, temporaryDirectory } from "../../support/databases/databases.js";
import { act, execute, PEACEFUL } from "../../support/simulation/actions.js";
import { World } from "../../support/simulation/world.js";

const COUNT = countOf("BATON_SIMULATIONS", { short: 1, long: 25 });
const ACTIONS = 80;
/** Tables that the database derives by itself from the events. */
const DERIVED = ["event_blocks", "resource_queue", "run_queue"];

let files = 0;
const newFile = () => path.join(temporaryDirectory(), `${++files}.jsonl`);

async function exported(store: Store): Promise<{ file: string; lines: readonly string[] }> {
  const { file } = await exportStore(store, newFile());
  const [, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  return { file, lines };
}

function withLines(lines: readonly string[], schema: number): string {
  const file = newFile();
  const header = { baton: "export", format: 1, schema, version: "0.0.0", at: "" };
  writeFileSync(file, [JSON.stringify(header), ...lines].join("\n"));
  return file;
}

/** A database after a random history. */
async function usedDatabase(backend: Backend, seed: number) {
  const database = await createDatabase(backend);
  const store = await database.open();
  const world = new World({ seed, database: database.location, cwd: temporaryDirectory(), faultRate: 0 });
  await world.begin(temporaryDirectory());
  await execute(world, world.anyPlayer());
  for (let at = 0; at < ACTIONS; at++) await act(world, PEACEFUL);
  await world.call(world.anyPlayer(), "wait_for", { timeout_seconds: 0 });
  await world.close();
  return { store, world };
}

async function emptyDatabase(backend: Backend): Promise<Store> {
  return (await createDatabase(backend)).open();
}

/** A whole export: two events, and an agent that has read one of them. */
const SMALL = [
  '{"table":"events","columns":["at","type","project","run","task","agent","data"]}',
  '[1,"agent.registered",null,null,null,"ann","{}"]',
  '[2,"agent.registered",null,null,null,"ben","{}"]',
  '{"table":"agents","columns":["name","status","capabilities","roles","max_concurrent_tasks","profile","event_cursor","registered_at","seen_at"]}',
  '["ann","active","[]","[]",1,"{}","1",1,1]',
  '{"end":true,"rows":3}',
];

test.each(BACKENDS)("an export has every table of %s", async (backend) => {
  const store = await emptyDatabase(backend);
  const query =
    backend === "sqlite"
      ? "SELECT name FROM sqlite_schema WHERE type = 'table'"
      : "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'";
  const found = await store.read(function* () {
    return (yield [query]).map((row) => text(row, "name"));
  });
  const own = found.filter((name) => !DERIVED.includes(name) && !name.startsWith("sqlite_") && name !== "baton_schema");
  expect(own.toSorted()).toEqual(["events", ...EXPORTED_TABLES.map(({ name }) => name)].toSorted());
});

describe.each(BACKENDS)("a database on %s", (backend) => {
  it("is the same, row for row, after it was exported, imported into each database, and from there back", async () => {
    for (let seed = 1; seed <= COUNT; seed++) {
      const { store, world } = await usedDatabase(backend, seed);
      const origin = await exported(store);
      for (const other of BACKENDS) {
        const copy = await emptyDatabase(other);
        await importStore(copy, origin.file);
        expect((await exported(copy)).lines).toEqual(origin.lines);
        expect(findingsText(await new Checker(copy).findings({ journal: world.journal })), `seed ${seed}`).toBe("");
        const back = await emptyDatabase(backend);
        await importStore(back, (await exported(copy)).file);
        expect((await exported(back)).lines).toEqual(origin.lines);
      }
    }
  }, 300_000);

  it("takes in no export where it holds anything", async () => {
    const { store } = await usedDatabase(backend, 1);
    const { file, lines } = await exported(store);
    await expect(importStore(store, file)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringMatching(/not empty.*baton reset/),
    });
    expect((await exported(store)).lines).toEqual(lines);
  });

  it.each<[string, (lines: readonly string[]) => readonly string[], RegExp]>([
    ["cut off", (lines) => lines.slice(0, -1), /line \d+ is the last, .* was cut off\. Nothing was imported/],
    ["with a row too few", (lines) => lines.toSpliced(2, 1), /the file was cut off/],
    ["with something after its end", (lines) => [...lines, "[1]"], /stands after the end/],
    ["without JSON in a line", (lines) => lines.toSpliced(1, 1, "{"), /line 3 is no JSON in UTF-8/],
    [
      "of an unknown table",
      (lines) => ['{"table":"sqlite_schema","columns":["name"]}', ...lines],
      /line 2 begins no table/,
    ],
    [
      "with a name that is none",
      (lines) => [lines[0] ?? "", '{"table":"runs","columns":["id) --"]}'],
      /line 3 begins no table/,
    ],
    [
      "with NUL in a text",
      (lines) => lines.map((line) => line.replace('"agent.registered"', String.raw`"a\u0000"`)),
      /NUL/,
    ],
    [
      "with a state that is none",
      (lines) => lines.map((line) => line.replace('"active"', '"activated"')),
      /refused by the database/,
    ],
  ])("takes in no export %s, and is left empty", async (_, change, message) => {
    const copy = await emptyDatabase(backend);
    const file = withLines(change(SMALL), copy.info.schemaVersion);
    await expect(importStore(copy, file)).rejects.toThrow(message);
    await expect(importStore(copy, file)).rejects.toMatchObject({ code: "invalid_input" });
    expect((await exported(copy)).lines).toHaveLength(2);
  });

  it("takes in no export of another schema", async () => {
    const copy = await emptyDatabase(backend);
    const file = withLines([], copy.info.schemaVersion - 1);
    await expect(importStore(copy, file)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(/made by baton 0\.0\.0 with schema \d+; this one has schema \d+/),
    });
  });
});
