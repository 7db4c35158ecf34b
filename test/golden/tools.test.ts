import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { toolEntries } from "../../src/dispatch/published.js";
import { catalogue } from "../../src/tools/registry.js";

const DIRECTORY = import.meta.dirname;
/** The contract with every client changes on purpose only: BATON_UPDATE_GOLDEN=1 npx vitest run test/golden */
const UPDATE = process.env["BATON_UPDATE_GOLDEN"] === "1";

const entries = toolEntries(catalogue.all);
const fileOf = (name: string) => path.join(DIRECTORY, `${name}.json`);

describe("the contract of each tool", () => {
  test.each(entries)("$tool.name", ({ tool, area, listed }) => {
    const aliases = catalogue.require(tool.name).aliases ?? [];
    const text = `${JSON.stringify({ ...tool, area, listed, aliases }, null, 2)}\n`;
    if (UPDATE) {
      mkdirSync(DIRECTORY, { recursive: true });
      writeFileSync(fileOf(tool.name), text);
    }
    expect(existsSync(fileOf(tool.name)) ? readFileSync(fileOf(tool.name), "utf8") : "no golden file").toBe(text);
  });

  test("no file is left of a tool that is gone", () => {
    const names = new Set(entries.map(({ tool }) => `${tool.name}.json`));
    const left = readdirSync(DIRECTORY).filter((file) => file.endsWith(".json") && !names.has(file));
    if (UPDATE) for (const file of left) rmSync(path.join(DIRECTORY, file));
    expect(UPDATE ? [] : left).toEqual([]);
  });
});
