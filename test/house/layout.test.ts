import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { readSource, ROOT, typescriptFiles } from "./source.js";

/** Areas of operations that have no rules of their own to keep in src/engine: they are about the operations. */
const WITHOUT_RULES = ["meta"];
/** Rooms of the store that serve all of it. */
const DRIVERS = ["driver", "sqlite", "postgres", "migrations", "exports"];

const FILES_MAX = 15;
/** Folders whose files are one list: an area's operations each, a command each, a migration each. */
const LISTS = ["src/tools", "src/cli/commands", "src/store/migrations"];
/** Files at the root of src: the command and its configuration. */
const ROOT_FILES = ["baton.ts", "config.ts", "main.ts", "start.ts"];

test("an area's operations and their rules stand under the same name, as a room of the engine or a file of one", () => {
  // Checks of artifacts are no transactions: their rules stand beside the engine.
  const rules = ["src/engine", "src/validation"].flatMap(typescriptFiles);
  const names = new Set([...roomsOf("src/engine"), ...rules.map(nameOf)]);
  const strays = typescriptFiles("src/tools")
    .filter((file) => /\bdefineOperation\s*\(/.test(readSource(file).code))
    .filter((file) => !WITHOUT_RULES.includes(nameOf(file)) && !names.has(nameOf(file)))
    .map(
      (file) => `${file} defines operations, but src/engine has no room and no file ${nameOf(file)} with their rules`,
    );
  expect(strays).toEqual([]);
});

test("a room of the store has the name of the engine's room whose tables it holds", () => {
  const rules = roomsOf("src/engine");
  const strays = roomsOf("src/store").filter((room) => !DRIVERS.includes(room) && !rules.includes(room));
  expect(strays.map((room) => `src/store/${room} has no src/engine/${room}: name both alike`)).toEqual([]);
});

test.each(["engine", "store", "executors", "mcp", "cli"])("tests of %s stand in rooms of the same names", (house) => {
  const rooms = roomsOf(`src/${house}`);
  const strays = roomsOf(`test/${house}`).filter((room) => room !== "conformance" && !rooms.includes(room));
  expect(strays.map((room) => `test/${house}/${room} tests no room of src/${house}`)).toEqual([]);
});

test(`a folder holds at most ${FILES_MAX} files`, () => {
  const counts = new Map<string, number>();
  for (const file of ["src", "bench", "demo", "soak", "dashboard/src", "test/support"].flatMap(typescriptFiles)) {
    const folder = path.posix.dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const full = [...counts].filter(([folder, count]) => count > FILES_MAX && !LISTS.includes(folder));
  expect(full.map(([folder, count]) => `${folder} holds ${count} files: split it by noun`)).toEqual([]);
});

test("an effect is named in one place: the list of src/engine/effects.ts", () => {
  const list = readSource("src/engine/effects.ts");
  const effects = /effects: readonly Effect\[\] = \[([^\]]*)\]/
    .exec(list.code)?.[1]
    ?.split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  expect(effects).toContain("recordDeadLetters");
  const others = typescriptFiles("src/engine").filter((file) => file !== list.file);
  const uses = others.flatMap((file) => {
    const { code } = readSource(file);
    return (effects ?? [])
      .filter((name) => new RegExp(`(?<!function\\* )\\b${name}\\b`).test(code))
      .map((name) => `${file} uses ${name}`);
  });
  expect(uses).toEqual([]);
});

test("the root of src holds the command and its configuration only", () => {
  const files = readdirSync(path.join(ROOT, "src")).filter((name) => name.endsWith(".ts"));
  expect(files).toEqual(ROOT_FILES);
});

function roomsOf(directory: string): string[] {
  const absolute = path.join(ROOT, directory);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

function nameOf(file: string): string {
  return path.posix.basename(file, ".ts");
}
