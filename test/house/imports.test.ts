import { existsSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import path from "node:path";
import picomatch from "picomatch";
import { describe, expect, test } from "vitest";
import { type Package, PACKAGES } from "./packages.js";
import { type Import, lineOf, parseSource, readSource, ROOT, type Source, typescriptFiles } from "./source.js";

const THIS_FILE = "test/house/imports.test.ts";

/**
 * The rooms of src/engine and src/store, a row each, bottom to top: a room uses rooms of lower floors only. Two rooms of one floor
 * meet in a room above them, or in a tool. `node` are the modules of Node that a room may use beside those of its house.
 */
// oxfmt-ignore
const ROOMS = [
  { house: "engine", floor: 1, room: "expressions", node: ["module", "vm"] },
  { house: "engine", floor: 1, room: "paths", node: ["module"] },
  { house: "engine", floor: 1, room: "graph", node: ["module"] },
  { house: "engine", floor: 1, room: "{context,disk-paths,effect,engine,gpus,idempotency,lookup,machine,person}.ts" },
  { house: "engine", floor: 2, room: "scheduling" },
  { house: "engine", floor: 2, room: "policy" },
  { house: "engine", floor: 2, room: "{belief,projects}" },
  { house: "engine", floor: 3, room: "agents" },
  { house: "engine", floor: 3, room: "supervision" },
  { house: "engine", floor: 3, room: "definitions" },
  { house: "engine", floor: 4, room: "access" },
  { house: "engine", floor: 4, room: "artifacts", node: ["buffer"] },
  { house: "engine", floor: 4, room: "locks" },
  { house: "engine", floor: 4, room: "resources" },
  { house: "engine", floor: 4, room: "snapshots", node: ["zlib"] },
  { house: "engine", floor: 4, room: "steps" },
  { house: "engine", floor: 4, room: "usage" },
  { house: "engine", floor: 5, room: "lifecycle" },
  { house: "engine", floor: 6, room: "workflows" },
  { house: "engine", floor: 6, room: "cost" },
  { house: "engine", floor: 6, room: "channels" },
  { house: "engine", floor: 6, room: "breakers" },
  { house: "engine", floor: 7, room: "approvals" },
  { house: "engine", floor: 6, room: "reviews" },
  { house: "engine", floor: 6, room: "context-windows" },
  { house: "engine", floor: 7, room: "milestones" },
  { house: "engine", floor: 7, room: "tasks" },
  { house: "engine", floor: 7, room: "claims" },
  { house: "engine", floor: 7, room: "signals" },
  { house: "engine", floor: 7, room: "modifications" },
  { house: "engine", floor: 8, room: "load" },
  { house: "engine", floor: 8, room: "routing" },
  { house: "engine", floor: 8, room: "runs" },
  { house: "engine", floor: 8, room: "escalations" },
  { house: "engine", floor: 8, room: "dead-letters" },
  { house: "engine", floor: 8, room: "events" },
  { house: "engine", floor: 8, room: "handoffs" },
  { house: "engine", floor: 8, room: "meetings", node: ["buffer"] },
  { house: "engine", floor: 9, room: "learning" },
  { house: "engine", floor: 9, room: "{conflicts,notifications}" },
  { house: "engine", floor: 9, room: "child-runs" },
  { house: "engine", floor: 9, room: "presence" },
  { house: "engine", floor: 9, room: "schedules" },
  { house: "engine", floor: 9, room: "templates" },
  { house: "engine", floor: 9, room: "imports" },
  { house: "engine", floor: 9, room: "briefs" },
  { house: "engine", floor: 9, room: "search.ts" },
  { house: "engine", floor: 10, room: "recovery" },
  { house: "engine", floor: 10, room: "guard" },
  { house: "engine", floor: 10, room: "checkpoints" },
  { house: "engine", floor: 10, room: "planning", node: ["module"] },
  { house: "engine", floor: 10, room: "system" },
  { house: "engine", floor: 11, room: "metrics" },
  { house: "engine", floor: 11, room: "forecasts" },
  { house: "engine", floor: 11, room: "effects.ts" },
  { house: "engine", floor: 12, room: "background" },
  { house: "engine", floor: 13, room: "performance" },
  { house: "store", floor: 1, room: "{tx,compile,rows,tables}.ts" },
  { house: "store", floor: 2, room: "events" },
  { house: "store", floor: 2, room: "projects" },
  { house: "store", floor: 2, room: "access" },
  { house: "store", floor: 2, room: "agents" },
  { house: "store", floor: 2, room: "artifacts" },
  { house: "store", floor: 2, room: "breakers" },
  { house: "store", floor: 2, room: "system" },
  { house: "store", floor: 2, room: "resources" },
  { house: "store", floor: 2, room: "workflows" },
  { house: "store", floor: 2, room: "milestones" },
  { house: "store", floor: 2, room: "schedules" },
  { house: "store", floor: 2, room: "signals" },
  { house: "store", floor: 2, room: "channels" },
  { house: "store", floor: 2, room: "learning" },
  { house: "store", floor: 2, room: "metrics" },
  { house: "store", floor: 3, room: "context-windows" },
  { house: "store", floor: 3, room: "tasks" },
  { house: "store", floor: 4, room: "scheduling" },
  { house: "store", floor: 4, room: "runs" },
  { house: "store", floor: 4, room: "dead-letters" },
  { house: "store", floor: 4, room: "child-runs" },
  { house: "store", floor: 4, room: "escalations" },
  { house: "store", floor: 3, room: "approvals" },
  { house: "store", floor: 4, room: "notifications" },
  { house: "store", floor: 4, room: "snapshots" },
  { house: "store", floor: 4, room: "reviews" },
  { house: "store", floor: 4, room: "usage" },
  { house: "store", floor: 5, room: "locks" },
  { house: "store", floor: 5, room: "cost" },
  { house: "store", floor: 5, room: "checkpoints" },
  { house: "store", floor: 5, room: "{conflicts,imports}" },
  { house: "store", floor: 6, room: "lock-order.ts" },
  { house: "store", floor: 7, room: "search.ts" },
  { house: "store", floor: 7, room: "presence" },
  { house: "store", floor: 7, room: "exports" },
] as const satisfies readonly Room[];

/** Imports that each house may use beside its own lower rooms. */
const HOUSES = {
  engine: { may: ["base", "store", "tx"], types: ["runtime", "imports"], node: ["crypto", "path", "util"] },
  store: { may: ["tx", "base"], types: ["runtime"], node: [] },
} as const satisfies Record<Room["house"], Omit<Area, "area" | "files">>;

/**
 * The import law of docs/architecture.md beside the rooms. A file belongs to the first area that matches it. `may` are
 * the areas it may use, `types` those of which it may only use types, `node` the modules of Node it may use. `store`
 * and `engine` in them mean all of their rooms.
 */
// oxfmt-ignore
const AREAS = [
  { area: "runtime", files: ["src/runtime/**"], may: ["base"], types: [], node: "all" },
  { area: "base", files: ["src/base/**"], may: [], types: [], node: ["crypto", "path"] },
  { area: "tx", files: ["src/store/{tx,compile}.ts"], may: [], types: ["runtime"], node: [] },
  { area: "migrations", files: ["src/store/migrations/**"], may: ["tx"], types: [], node: [] },
  { area: "driver", files: ["src/store/driver/**"], may: ["tx", "base", "migrations"], types: ["runtime"], node: "all" },
  { area: "drivers", files: ["src/store/{sqlite,postgres}/**"], may: ["tx", "base", "migrations", "driver"], types: ["runtime"], node: "all" },
  ...ROOMS.map((row) => roomArea(row)),
  { area: "executors", files: ["src/executors/**"], may: ["engine", "base"], types: ["tx", "runtime"], node: "all" },
  { area: "notifiers", files: ["src/notifiers/**"], may: ["engine", "executors", "base"], types: ["tx", "runtime"], node: "all" },
  { area: "dispatch", files: ["src/dispatch/**"], may: ["engine", "base"], types: ["tx", "runtime", "compaction"], node: ["crypto", "path", "util"] },
  { area: "traces", files: ["src/traces/**"], may: ["base", "runtime"], types: ["dispatch", "engine"], node: "all" },
  { area: "imports", files: ["src/imports/**"], may: ["base"], types: [], node: [] },
  { area: "validation", files: ["src/validation/**"], may: ["base", "runtime", "executors"], types: [], node: "all" },
  { area: "compaction", files: ["src/compaction/**"], may: ["validation", "base", "runtime"], types: [], node: "all" },
  { area: "tools", files: ["src/tools/**"], may: ["dispatch", "engine", "imports", "validation", "compaction", "base"], types: ["tx", "runtime"], node: ["crypto", "path", "util"] },
  { area: "resources", files: ["src/resources/**"], may: ["engine", "base"], types: ["tx", "runtime"], node: [] },
  { area: "prompts", files: ["src/prompts/**"], may: ["engine", "base"], types: ["tx", "runtime"], node: [] },
  { area: "mcp", files: ["src/mcp/**"], may: ["dispatch", "tools", "resources", "prompts", "base"], types: ["engine", "tx", "runtime"], node: "all" },
  { area: "http", files: ["src/http/**"], may: ["dispatch", "tools", "engine/events", "engine/metrics", "base"], types: ["engine", "runtime"], node: "all" },
  { area: "config", files: ["src/config.ts", "src/config/**"], may: ["base"], types: ["runtime"], node: "all" },
  { area: "init", files: ["src/init/**"], may: ["config", "base", "runtime"], types: [], node: "all" },
  { area: "guard", files: ["src/guard/**"], may: ["engine", "base", "runtime"], types: ["tx"], node: "all" },
  { area: "cli", files: ["src/cli/**"], may: ["dispatch", "tools", "imports", "config", "base", "init"], types: ["app", "tx", "runtime"], node: "all" },
  { area: "app", files: ["src/app/**", "src/{baton,main,start}.ts"], may: "all", types: [], node: "all" },
] as const satisfies readonly Area[];

interface Room {
  house: "engine" | "store";
  floor: number;
  /** Its folder, or the files that stand at the root of the house. */
  room: string;
  node?: readonly string[];
}

interface Area {
  area: string;
  files: readonly string[];
  may: readonly string[] | "all";
  types: readonly string[];
  node: readonly string[] | "all";
}

function roomArea({ house, floor, room, node = [] }: Room): Area {
  const law = HOUSES[house];
  const lower = ROOMS.filter((other) => other.house === house && other.floor < floor);
  return {
    area: `${house}/${room}`,
    files: [`src/${house}/${room}${room.endsWith(".ts") ? "" : "/**"}`],
    may: [...law.may, ...lower.map((other) => `${house}/${other.room}`)],
    types: law.types,
    node: [...law.node, ...node],
  };
}

const MATCHERS = AREAS.map((row: Area) => ({ row, matches: picomatch([...row.files]) }));
const sources = typescriptFiles("src").map(readSource);

describe("the import law", () => {
  test("every file of src belongs to an area and imports only what its area may", () => {
    expect(sources.flatMap(violationsOf)).toEqual([]);
  });

  test("the dashboard uses of src only what is below the engine, and the server nothing of the dashboard", () => {
    const leaves = typescriptFiles("dashboard/src")
      .flatMap((file) => targetsOf(readSource(file)))
      .filter((target) => !/^(?:dashboard\/src|src\/base)\//.test(target));
    const enters = sources.flatMap(targetsOf).filter((target) => target.startsWith("dashboard/"));
    expect([...leaves, ...enters]).toEqual([]);
  });

  test("every relative import of src, test, bench, demo and the dashboard leads to a file", () => {
    const files = ["src", "test", "bench", "demo", "dashboard/src"].flatMap(typescriptFiles);
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
    ["src/store/tasks/tasks.ts", `import { claim } from "../../engine/tasks/tasks.js";`],
    ["src/store/tasks/tasks.ts", `import Database from "better-sqlite3";`],
    ["src/store/tasks/tasks.ts", `import { systemClock } from "../../runtime/clock.js";`],
    ["src/engine/tasks/tasks.ts", `import { openSqlite } from "../../store/sqlite/sqlite.js";`],
    ["src/engine/tasks/tasks.ts", `import Graph from "graphology";`],
    ["src/engine/tasks/tasks.ts", `const Graph = require("graphology");`],
    ["src/engine/tasks/tasks.ts", `import { spawn } from "node:child_process";`],
    ["src/engine/tasks/tasks.ts", `export * from "../../tools/tasks.js";`],
    ["src/engine/lifecycle/leases.ts", `import { claimTask } from "../claims/claims.js";`],
    ["src/engine/claims/claims.ts", `import { createTask } from "../tasks/tasks.js";`],
    ["src/engine/lookup.ts", `import { FileLocks } from "./locks/locks.js";`],
    ["src/store/tasks/tasks.ts", `import { lockRun } from "../lock-order.js";`],
    ["src/tools/tasks.ts", `import * as tasks from "../store/tasks/tasks.js";`],
    ["src/tools/tasks.ts", `type Run = import("../resources/runs.js").Run;`],
    ["src/tools/tasks.ts", `import { translate } from "../store/tx.js";`],
    ["src/resources/runs.ts", `const { z } = await import("../prompts/plan.js");`],
    ["src/cli/call.ts", `import { Server } from "@modelcontextprotocol/sdk/server/index.js";`],
    ["src/mcp/server.ts", `import left from "left-pad";`],
    ["src/app/app.ts", `const driver = await import(name);`],
    ["src/misc/thing.ts", ``],
  ])("%s may not contain: %s", (file, text) => {
    expect(violationsOf(parseSource(file, text))).toHaveLength(1);
  });

  test.each([
    ["src/tools/tasks.ts", `import type { Tx } from "../store/tx.js";`],
    ["src/store/sqlite/files.ts", `import Database from "better-sqlite3"; import fs from "node:fs";`],
    ["src/executors/mcp/client.ts", `import { Client } from "@modelcontextprotocol/sdk/client/index.js";`],
    ["src/app/app.ts", `export const open = () => import("../store/postgres/postgres.js");`],
    [
      "src/engine/claims/claims.ts",
      `import { lease } from "../lifecycle/leases.js"; import { lockRun } from "../../store/lock-order.js";`,
    ],
  ])("%s may contain: %s", (file, text) => {
    expect(violationsOf(parseSource(file, text))).toEqual([]);
  });

  test("a failure names the place, the rule and the line to change", () => {
    const [failure] = violationsOf(
      parseSource("src/tools/tasks.ts", `\nimport * as tasks from "../store/tasks/tasks.js";`),
    );
    expect(failure).toMatch(
      /^src\/tools\/tasks\.ts:2 imports src\/store\/tasks\/tasks\.ts: tools may not import store\/tasks/,
    );
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
  if (other === area || area.may === "all" || names(area.may, other)) return undefined;
  const typesOnly = names(area.types, other);
  if (typesOnly && typeOnly) return undefined;
  const rule = `${area.area} may not import ${other.area}${typesOnly ? ", only its types" : ""}`;
  return { what: target, rule, entry };
}

/** Whether the list names the area itself, or its whole house. */
function names(list: readonly string[], { area }: Area): boolean {
  return list.includes(area) || list.includes(area.split("/")[0] ?? area);
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

/** A file that a build makes exists only after one: its own tests say when it is missing. */
function existsAsSource(file: string, specifier: string): boolean {
  const target = resolve(file, specifier);
  return target.startsWith("dist/") || [target, `${target}x`].some((name) => existsSync(path.join(ROOT, name)));
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
