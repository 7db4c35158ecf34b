import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  buildDag,
  cycleText,
  dependencyEdges,
  findCycle,
  findCycleThrough,
  type GraphNode,
  type WaitEdge,
} from "../../../src/engine/graph/dag.js";
import { BatonError } from "../../../src/base/errors.js";
import { processorMs } from "../../support/servers/processor-time.js";

const task = (key: string, weightMs: number, ...needs: string[]): GraphNode => ({ key, weightMs, needs });

/** Names that a graph kept in plain objects would lose. */
const TREACHEROUS = ["constructor", "__proto__", "toString", "0", "-1", "1e3", ""];
const keyOf = (index: number) => TREACHEROUS[index] ?? `task-${index}`;

/** Acyclic by construction (a task needs only earlier ones), then shuffled. Whole milliseconds, so that sums are exact. */
const acyclic = fc
  .integer({ min: 0, max: 11 })
  .chain((size) =>
    fc.tuple(
      ...Array.from({ length: size }, (_, index) =>
        fc.record({
          weightMs: fc.integer({ min: 0, max: 100 }),
          needs: fc.uniqueArray(fc.nat(Math.max(0, index - 1)), { maxLength: index }),
        }),
      ),
    ),
  )
  .map((drawn) => drawn.map(({ weightMs, needs }, index) => task(keyOf(index), weightMs, ...needs.map(keyOf))))
  .chain((nodes) => fc.shuffledSubarray(nodes, { minLength: nodes.length }));

/** Every path that starts at a task and runs along dependents, by plain enumeration. */
function pathsFrom(start: GraphNode, nodes: readonly GraphNode[]): GraphNode[][] {
  const onward = nodes.filter(({ needs }) => needs.includes(start.key)).flatMap((next) => pathsFrom(next, nodes));
  return [[start], ...onward.map((path) => [start, ...path])];
}

const work = (path: readonly GraphNode[]) => path.reduce((sum, { weightMs }) => sum + weightMs, 0);

const digraph = fc.array(fc.tuple(fc.nat(7).map(keyOf), fc.nat(7).map(keyOf)), { maxLength: 14 });

/** Length in edges of the shortest way from each key to each other, one edge at least (Floyd and Warshall). */
function distances(edges: readonly WaitEdge[]): (from: string, to: string) => number {
  const keys = [...new Set(edges.flat())];
  const known = new Map(edges.map(([from, to]) => [JSON.stringify([from, to]), 1]));
  const at = (from: string, to: string) => known.get(JSON.stringify([from, to])) ?? Infinity;
  for (const via of keys) {
    for (const from of keys) {
      for (const to of keys) {
        known.set(JSON.stringify([from, to]), Math.min(at(from, to), at(from, via) + at(via, to)));
      }
    }
  }
  return at;
}

function expectCycle(cycle: readonly string[], edges: readonly WaitEdge[]): void {
  expect(cycle.length).toBeGreaterThan(1);
  expect(cycle.at(-1)).toBe(cycle[0]);
  expect(new Set(cycle).size).toBe(cycle.length - 1);
  cycle.slice(1).forEach((to, index) => expect(edges).toContainEqual([cycle[index], to]));
}

const COMPILED = pathToFileURL(resolve(import.meta.dirname, "../../../dist/engine/graph/dag.js")).href;

// In a process of its own: in this one other tests may have loaded them.
const LOADED = `
  import { createRequire } from "node:module";
  import { buildDag, findCycle } from ${JSON.stringify(COMPILED)};
  const loaded = () => Object.keys(createRequire(${JSON.stringify(COMPILED)}).cache).filter((file) => file.includes("graphology")).length;
  findCycle([["a", "b"]]);
  const before = loaded();
  buildDag([]);
  console.log(JSON.stringify([before, loaded() > 0]));
`;

describe("findCycle", () => {
  it("loads no graph package, and neither does importing the module: only buildDag does", () => {
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", LOADED], { encoding: "utf8" });
    expect(JSON.parse(stdout)).toEqual([0, true]);
  });

  it("returns the path in the order of waiting, the first key again at its end", () => {
    const nodes = [task("c", 1, "a"), task("b", 1, "c"), task("a", 1, "b"), task("d", 1, "a")];
    expect(findCycle(dependencyEdges(nodes))).toEqual(["c", "a", "b", "c"]);
    expect(findCycle([["a", "a"]])).toEqual(["a", "a"]);
    expect(findCycle([])).toBeUndefined();
  });

  it("is worded in full when short, and shortened in the middle when long", () => {
    expect(cycleText(["a", "b", "a"])).toBe("a → b → a");
    const long = cycleText([...Array.from({ length: 10_000 }, (_, i) => `k${i}`), "k0"]);
    expect(long).toMatch(/^k0 → k1 → .* → k18 → \(9981 more\) → k0$/);
  });

  it("prefers the short way round", () => {
    expect(
      findCycle([
        ["a", "b"],
        ["b", "c"],
        ["c", "d"],
        ["d", "a"],
        ["a", "d"],
      ]),
    ).toEqual(["a", "d", "a"]);
  });

  it("finds a true cycle if and only if there is one", () => {
    fc.assert(
      fc.property(digraph, (edges) => {
        const distance = distances(edges);
        const cycle = findCycle(edges);
        if (cycle) expectCycle(cycle, edges);
        expect(cycle !== undefined).toBe(edges.some(([from]) => distance(from, from) < Infinity));
      }),
    );
  });

  it("finds the shortest cycle through a given key if and only if there is one", () => {
    fc.assert(
      fc.property(digraph, fc.nat(8).map(keyOf), (edges, start) => {
        const shortest = distances(edges)(start, start);
        const cycle = findCycleThrough(edges, start);
        if (cycle) expectCycle(cycle, edges);
        expect(cycle?.[0] ?? start).toBe(start);
        expect(cycle ? cycle.length - 1 : Infinity).toBe(shortest);
      }),
    );
  });

  it("walks 100,000 levels without exhausting the stack", () => {
    const chain = Array.from({ length: 100_000 }, (_, index): WaitEdge => [`k${index}`, `k${index + 1}`]);
    expect(findCycle(chain)).toBeUndefined();
    expect(findCycle([...chain, ["k100000", "k0"]])).toHaveLength(100_002);
  });

  it("is linear where every level doubles the paths", () => {
    const diamonds = Array.from({ length: 2_000 }, (_, i): WaitEdge[] => [
      [`j${i}`, `l${i}`],
      [`j${i}`, `r${i}`],
      [`l${i}`, `j${i + 1}`],
      [`r${i}`, `j${i + 1}`],
    ]).flat();
    expect(findCycle(diamonds)).toBeUndefined();
    expect(findCycleThrough(diamonds, "j0")).toBeUndefined();
  });
});

function refusal(nodes: readonly GraphNode[]): BatonError {
  try {
    buildDag(nodes);
  } catch (error) {
    if (error instanceof BatonError) return error;
    throw error;
  }
  throw new Error("not refused");
}

describe("buildDag", () => {
  it("answers for a small plan", () => {
    const dag = buildDag([
      task("build", 5),
      task("lint", 1),
      task("test", 20, "build", "build"),
      task("pack", 2, "build", "lint"),
      task("ship", 1, "test", "pack"),
    ]);
    expect(dag).toMatchObject({ taskCount: 5, edgeCount: 5, depth: 2, maxWidth: 2, totalWorkMs: 29 });
    expect(dag.waves()).toEqual([["build", "lint"], ["test", "pack"], ["ship"]]);
    expect(Object.fromEntries(dag.upwardRanks())).toEqual({ build: 26, lint: 4, test: 21, pack: 3, ship: 1 });
    expect(dag.criticalPath()).toEqual({ keys: ["build", "test", "ship"], totalMs: 26 });
    expect(dag.dependentsOf("lint")).toEqual(["pack", "ship"]);
    expect(dag.dependentsOf("nobody")).toEqual([]);
  });

  it("answers for an empty plan", () => {
    const dag = buildDag([]);
    expect(dag).toMatchObject({ taskCount: 0, edgeCount: 0, depth: 0, maxWidth: 0, totalWorkMs: 0 });
    expect(dag.waves()).toEqual([]);
    expect(dag.criticalPath()).toEqual({ keys: [], totalMs: 0 });
  });

  it("refuses what is no acyclic graph, and says where", () => {
    expect(refusal([task("a", 1, "b"), task("b", 1, "a")])).toMatchObject({
      code: "invalid_input",
      message: "tasks wait for each other in a cycle: a → b → a",
      details: { cycle: ["a", "b", "a"] },
    });
    expect(refusal([task("a", 1, "x")])).toMatchObject({ code: "invalid_input", details: { task: "a", need: "x" } });
    expect(refusal([task("a", 1), task("a", 2)])).toMatchObject({ code: "invalid_input", details: { task: "a" } });
    for (const weightMs of [-1, Number.NaN, Infinity]) {
      expect(refusal([task("a", weightMs)])).toMatchObject({ code: "invalid_input", details: { task: "a" } });
    }
  });

  it("agrees with the enumeration of every path", () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        const dag = buildDag(nodes);
        const paths = new Map(nodes.map((node) => [node.key, pathsFrom(node, nodes)]));
        const longest = Math.max(0, ...[...paths.values()].flat().map(work));

        const ranks = dag.upwardRanks();
        for (const { key } of nodes) expect(ranks.get(key)).toBe(Math.max(...(paths.get(key) ?? []).map(work)));

        const levelOf = (key: string) =>
          Math.max(
            ...[...paths.values()]
              .flat()
              .filter((path) => path.at(-1)?.key === key)
              .map((path) => path.length - 1),
          );
        dag.waves().forEach((wave, level) => wave.forEach((key) => expect(levelOf(key)).toBe(level)));
        expect(dag.topologicalOrder().toSorted()).toEqual(nodes.map(({ key }) => key).toSorted());

        const { keys, totalMs } = dag.criticalPath();
        const byKey = new Map(nodes.map((node) => [node.key, node]));
        expect(totalMs).toBe(longest);
        expect(keys.reduce((sum, key) => sum + (byKey.get(key)?.weightMs ?? 0), 0)).toBe(longest);
        keys.slice(1).forEach((key, index) => expect(byKey.get(key)?.needs).toContain(keys[index]));

        for (const { key } of nodes) {
          const reached = new Set((paths.get(key) ?? []).flat().map((node) => node.key));
          reached.delete(key);
          expect(dag.dependentsOf(key).toSorted()).toEqual([...reached].toSorted());
        }
      }),
    );
  });
});

const WfInstance = z.object({
  workflow: z.object({
    specification: z.object({ tasks: z.array(z.object({ id: z.string(), parents: z.array(z.string()) })) }),
    execution: z.object({ tasks: z.array(z.object({ id: z.string(), runtimeInSeconds: z.number() })) }),
  }),
});
const Reference = z.record(
  z.string(),
  z.object({
    tasks: z.number(),
    edges: z.number(),
    depth: z.number(),
    max_width: z.number(),
    critical_path_s: z.number(),
    total_work_s: z.number(),
  }),
);

describe("real workflow traces (WfCommons)", () => {
  const own = new URL("../../data/wfinstances/", import.meta.url);
  const shared = new URL("../../../../shared/data/wfinstances/", import.meta.url);
  const reference = Reference.parse(JSON.parse(readFileSync(new URL("reference.json", own), "utf8")));

  const present = Object.entries(reference).flatMap(([name, figures]) => {
    const file = [own, shared].map((folder) => new URL(name, folder)).find((candidate) => existsSync(candidate));
    return file ? [{ name, figures, file }] : [];
  });

  it.each(present)("$name", ({ figures, file }) => {
    const { specification, execution } = WfInstance.parse(JSON.parse(readFileSync(file, "utf8"))).workflow;
    const seconds = new Map(execution.tasks.map(({ id, runtimeInSeconds }) => [id, runtimeInSeconds]));
    const dag = buildDag(
      specification.tasks.map(({ id, parents }) => task(id, (seconds.get(id) ?? Number.NaN) * 1000, ...parents)),
    );
    expect({
      tasks: dag.taskCount,
      edges: dag.edgeCount,
      // The reference counts levels, so one more than the edges of the longest path.
      depth: dag.depth + 1,
      max_width: dag.maxWidth,
      critical_path_s: Math.round(dag.criticalPath().totalMs) / 1000,
      total_work_s: Math.round(dag.totalWorkMs) / 1000,
    }).toEqual(figures);
  });
});

describe("at the limit of 10,000 tasks", () => {
  const SIZE = 10_000;
  // Up to three needs among the fifty tasks before.
  const local = Array.from({ length: SIZE }, (_, i) =>
    task(
      `t${i}`,
      i % 97,
      ...[13, 29, 49].filter((back) => back <= i).map((back) => `t${i - back + ((i * 31) % back)}`),
    ),
  );
  const chain = Array.from({ length: SIZE }, (_, i) => task(`t${i}`, 1, ...(i > 0 ? [`t${i - 1}`] : [])));
  const fan = Array.from({ length: SIZE }, (_, i) => task(`t${i}`, 1, ...(i > 0 ? ["t0"] : [])));

  it.each([
    ["local", local],
    ["chain", chain],
    ["fan", fan],
  ])("%s: graph, ranks and critical path in far less than a second", async (name, nodes) => {
    buildDag(nodes.slice(0, 10));
    let dag = buildDag([]);
    const graphMs = await processorMs(() => (dag = buildDag(nodes)));
    const ranksMs = await processorMs(() => {
      dag.upwardRanks();
      dag.criticalPath();
    });
    console.log(
      `${name}: ${dag.edgeCount} edges, depth ${dag.depth}, width ${dag.maxWidth}: ` +
        `graph ${graphMs.toFixed(0)} ms, ranks and critical path ${ranksMs.toFixed(0)} ms`,
    );
    // Measured 30-350 ms; the bound is wide because the machine is shared.
    expect(graphMs + ranksMs).toBeLessThan(10_000);
  });
});
