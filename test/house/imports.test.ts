import { existsSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import path from "node:path";
import picomatch from "picomatch";
import { describe, expect, test } from "vitest";
import { type Import, lineOf, parseSource, readSource, ROOT, type Source, typescriptFiles } from "./source.js";

const THIS_FILE = "test/house/imports.test.ts";

/**
 * Who may import whom: the law of docs/architecture.md. A file belongs to the first area that matches it. `may` are the
 * areas it may use, `types` those of which it may only use types, `node` the modules of Node it may use.
 */
// oxfmt-ignore
const AREAS = [
  { area: "runtime", files: ["src/runtime/**"], may: [], types: [], node: "all" },
  { area: "errors", files: ["src/engine/errors.ts"], may: [], types: [], node: [] },
  { area: "settings", files: ["src/engine/{settings,names,areas}.ts"], may: [], types: [], node: [] },
  { area: "tx", files: ["src/store/tx.ts"], may: [], types: ["runtime"], node: [] },
  { area: "migrations", files: ["src/store/migrations/**"], may: ["tx"], types: [], node: [] },
  { area: "drivers", files: ["src/store/{sqlite,postgres}{,-*}.ts", "src/store/{retry,faults,migrate,inspection}.ts"], may: ["tx", "errors", "migrations"], types: ["runtime"], node: "all" },
  { area: "store", files: ["src/store/*.ts"], may: ["tx", "errors"], types: ["runtime"], node: [] },
  { area: "dag", files: ["src/engine/dag.ts"], may: ["errors"], types: [], node: ["module"] },
  { area: "similarity", files: ["src/engine/similarity.ts"], may: [], types: [], node: ["module"] },
  { area: "expressions", files: ["src/engine/{expressions,expression-time}.ts"], may: ["settings"], types: [], node: ["module", "vm"] },
  { area: "codec", files: ["src/engine/checkpoint-codec.ts"], may: ["errors"], types: [], node: ["crypto", "util", "zlib"] },
  { area: "engine", files: ["src/engine/**"], may: ["dag", "expressions", "similarity", "codec", "errors", "settings", "store", "tx"], types: ["runtime"], node: ["crypto", "path", "util"] },
  { area: "executors", files: ["src/executors/**"], may: ["engine", "errors", "settings"], types: ["tx", "runtime"], node: "all" },
  { area: "tools", files: ["src/tools/**"], may: ["engine", "errors", "settings"], types: ["tx", "runtime"], node: ["crypto", "path", "util"] },
  { area: "resources", files: ["src/resources/**"], may: ["engine", "errors", "settings"], types: ["tx", "runtime"], node: [] },
  { area: "prompts", files: ["src/prompts/**"], may: ["engine", "errors", "settings"], types: ["tx", "runtime"], node: [] },
  { area: "mcp", files: ["src/mcp/**"], may: ["tools", "resources", "prompts", "errors"], types: ["tx", "runtime"], node: "all" },
  { area: "config", files: ["src/config.ts"], may: ["errors", "settings"], types: ["runtime"], node: "all" },
  { area: "cli", files: ["src/cli/**"], may: ["tools", "config", "errors", "settings"], types: ["app", "tx", "runtime"], node: "all" },
  { area: "app", files: ["src/{app,callers,main,launch,serve,command-host,question-desk,upkeep,works}.ts"], may: "all", types: [], node: "all" },
] as const satisfies readonly Area[];

/** Which files may import which package. The longest name that matches an import decides. */
// oxfmt-ignore
const PACKAGES = [
  { name: "better-sqlite3", files: ["src/store/sqlite{,-*}.ts"] },
  { name: "pg", files: ["src/store/postgres{,-*}.ts"] },
  { name: "graphology", files: ["src/engine/dag.ts"] },
  { name: "graphology-dag", files: ["src/engine/dag.ts"] },
  { name: "graphology-types", files: ["src/engine/dag.ts"] },
  { name: "@marcbachmann/cel-js", files: ["src/engine/expressions.ts"] },
  { name: "minisearch", files: ["src/engine/similarity.ts"] },
  { name: "zod", files: ["src/engine/**", "src/tools/**", "src/resources/**", "src/prompts/**", "src/config.ts"] },
  { name: "picomatch", files: ["src/engine/**"] },
  { name: "yaml", files: ["src/engine/**", "src/cli/**", "src/config.ts"] },
  { name: "p-limit", files: ["src/executors/**"] },
  { name: "pino", files: ["src/runtime/logger.ts"] },
  { name: "commander", files: ["src/cli/**", "src/main.ts"] },
  { name: "env-paths", files: ["src/config.ts"] },
  { name: "@modelcontextprotocol/sdk", files: ["src/mcp/**"] },
  { name: "@modelcontextprotocol/sdk/client", files: ["src/executors/mcp-{client,http}.ts"] },
  { name: "@modelcontextprotocol/sdk/shared", files: ["src/mcp/**", "src/executors/mcp-stdio.ts"] },
  { name: "@modelcontextprotocol/sdk/types.js", files: ["src/mcp/**", "src/executors/{mcp-{client,pool,stdio},tool-attempt}.ts"] },
] as const satisfies readonly Package[];

interface Area {
  area: string;
  files: readonly string[];
  may: readonly string[] | "all";
  types: readonly string[];
  node: readonly string[] | "all";
}

interface Package {
  name: string;
  files: readonly string[];
}

const MATCHERS = AREAS.map((row: Area) => ({ row, matches: picomatch([...row.files]) }));
const sources = typescriptFiles("src").map(readSource);

describe("who may import whom", () => {
  test("every file of src belongs to an area and imports only what its area may", () => {
    expect(sources.flatMap(violationsOf)).toEqual([]);
  });

  test("every relative import of src, test, bench and demo leads to a file", () => {
    const files = ["src", "test", "bench", "demo"].flatMap(typescriptFiles);
    expect(files.map(readSource).flatMap(brokenImportsOf)).toEqual([]);
  });

  test("no modules of src import each other in a circle", () => {
    const graph = new Map(sources.map((source) => [source.file, targetsOf(source)]));
    const cycles = cyclesOf(graph).map(
      (cycle) => `${cycle.join(" → ")}: move what they share into a module of its own`,
    );
    expect(cycles).toEqual([]);
  });
});

describe("the rules bite", () => {
  test.each([
    ["src/runtime/clock.ts", `import { z } from "zod";`],
    ["src/store/tasks.ts", `import { claim } from "../engine/tasks.js";`],
    ["src/store/tasks.ts", `import Database from "better-sqlite3";`],
    ["src/store/tasks.ts", `import { systemClock } from "../runtime/clock.js";`],
    ["src/engine/tasks.ts", `import { openSqlite } from "../store/sqlite.js";`],
    ["src/engine/tasks.ts", `import Graph from "graphology";`],
    ["src/engine/tasks.ts", `const Graph = require("graphology");`],
    ["src/engine/tasks.ts", `import { spawn } from "node:child_process";`],
    ["src/engine/tasks.ts", `export * from "../tools/tasks.js";`],
    ["src/tools/tasks.ts", `import * as tasks from "../store/tasks.js";`],
    ["src/tools/tasks.ts", `type Run = import("../resources/runs.js").Run;`],
    ["src/tools/tasks.ts", `import { translate } from "../store/tx.js";`],
    ["src/resources/runs.ts", `const { z } = await import("../prompts/plan.js");`],
    ["src/cli/call.ts", `import { Server } from "@modelcontextprotocol/sdk/server/index.js";`],
    ["src/mcp/server.ts", `import left from "left-pad";`],
    ["src/app.ts", `const driver = await import(name);`],
    ["src/misc/thing.ts", ``],
  ])("%s may not contain: %s", (file, text) => {
    expect(violationsOf(parseSource(file, text))).toHaveLength(1);
  });

  test.each([
    ["src/tools/tasks.ts", `import type { Tx } from "../store/tx.js";`],
    ["src/store/sqlite-files.ts", `import Database from "better-sqlite3"; import fs from "node:fs";`],
    ["src/executors/mcp-client.ts", `import { Client } from "@modelcontextprotocol/sdk/client/index.js";`],
    ["src/app.ts", `export const open = () => import("./store/postgres.js");`],
  ])("%s may contain: %s", (file, text) => {
    expect(violationsOf(parseSource(file, text))).toEqual([]);
  });

  test("a failure names the place, the rule and the line to change", () => {
    const [failure] = violationsOf(parseSource("src/tools/tasks.ts", `\nimport * as tasks from "../store/tasks.js";`));
    expect(failure).toMatch(/^src\/tools\/tasks\.ts:2 imports src\/store\/tasks\.ts: tools may not import store/);
    const line = Number(/imports\.test\.ts:(\d+)/.exec(failure ?? "")?.[1]);
    expect(linesOf(THIS_FILE)[line - 1]).toContain(`area: "tools"`);
  });

  test("a circle is found and shown as a path", () => {
    const graph = new Map([
      ["a", ["b"]],
      ["b", ["c", "d"]],
      ["c", []],
      ["d", ["b"]],
    ]);
    expect(cyclesOf(graph)).toEqual([["b", "d", "b"]]);
  });
});

function violationsOf(source: Source): string[] {
  const area = areaOf(source.file);
  if (area === undefined) return [`${source.file} belongs to no area: give it a row in AREAS of ${THIS_FILE}`];
  return source.imports.flatMap((found) => {
    const objection = objectionTo(source.file, area, found);
    if (objection === undefined) return [];
    const { what, rule, entry } = objection;
    return [
      `${source.file}:${lineOf(source, found.offset)} imports ${what}: ${rule} (to change the law: ${whereIs(entry)})`,
    ];
  });
}

interface Objection {
  what: string;
  rule: string;
  /** The text by which the row of the table is found. */
  entry: string;
}

function objectionTo(file: string, area: Area, found: Import): Objection | undefined {
  const entry = `area: "${area.area}"`;
  const { specifier } = found;
  if (specifier === undefined) return { what: "a computed name", rule: "write the name out", entry };
  if (specifier.startsWith(".")) return areaObjection(area, resolve(file, specifier), found.typeOnly);
  const builtin = specifier.replace(/^node:/, "");
  if (builtinModules.includes(builtin)) {
    if (!specifier.startsWith("node:")) return { what: specifier, rule: `write "node:${specifier}"`, entry };
    if (area.node === "all" || area.node.includes(builtin)) return undefined;
    return { what: specifier, rule: `${area.area} may not use this module of Node`, entry };
  }
  return packageObjection(file, specifier);
}

function areaObjection(area: Area, target: string, typeOnly: boolean): Objection | undefined {
  const entry = `area: "${area.area}"`;
  const other = areaOf(target);
  if (other === undefined) return { what: target, rule: "it belongs to no area", entry: "const AREAS" };
  if (other === area || area.may === "all" || area.may.includes(other.area)) return undefined;
  const typesOnly = area.types.includes(other.area);
  if (typesOnly && typeOnly) return undefined;
  const rule = `${area.area} may not import ${other.area}${typesOnly ? ", only its types" : ""}`;
  return { what: target, rule, entry };
}

function packageObjection(file: string, specifier: string): Objection | undefined {
  const candidates: readonly Package[] = PACKAGES;
  const row = candidates
    .filter(({ name }) => specifier === name || specifier.startsWith(`${name}/`))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
  if (row === undefined) return { what: specifier, rule: "no file may import this package", entry: "const PACKAGES" };
  if (picomatch.isMatch(file, [...row.files])) return undefined;
  return {
    what: specifier,
    rule: `only ${row.files.join(", ")} may`,
    entry: `name: "${row.name}"`,
  };
}

function areaOf(file: string): Area | undefined {
  return MATCHERS.find(({ matches }) => matches(file))?.row;
}

/** The source file that a relative import means: `.js` is written, `.ts` is meant. */
function resolve(file: string, specifier: string): string {
  return path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, ".ts");
}

function brokenImportsOf(source: Source): string[] {
  return source.imports
    .filter(({ specifier }) => specifier?.startsWith(".") && !existsAsSource(source.file, specifier))
    .map(
      ({ specifier, offset }) => `${source.file}:${lineOf(source, offset)} imports ${specifier}, which does not exist`,
    );
}

/** What a build makes exists only after one: its own tests say when it is missing. */
function existsAsSource(file: string, specifier: string): boolean {
  const target = resolve(file, specifier);
  return target.startsWith("dist/") || existsSync(path.join(ROOT, target));
}

function targetsOf(source: Source): string[] {
  return source.imports.flatMap(({ specifier }) =>
    specifier?.startsWith(".") ? [resolve(source.file, specifier)] : [],
  );
}

/** Each circle that a depth-first walk closes, as a path from a module back to itself. */
function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]): void => {
    const start = trail.indexOf(node);
    if (start >= 0) cycles.push([...trail.slice(start), node]);
    if (start >= 0 || done.has(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...trail, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return cycles;
}

function whereIs(entry: string): string {
  return `${THIS_FILE}:${linesOf(THIS_FILE).findIndex((line) => line.includes(entry)) + 1}`;
}

function linesOf(file: string): string[] {
  return readFileSync(path.join(ROOT, file), "utf8").split("\n");
}
