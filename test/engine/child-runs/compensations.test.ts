import * as fc from "fast-check";
import { expect, test } from "vitest";
import { undoneBefore } from "../../../src/engine/child-runs/compensations.js";

const chain = (length: number): [string, string][] =>
  Array.from({ length: length - 1 }, (_, at): [string, string] => [`t${at}`, `t${at + 1}`]);

test("a compensation waits for the nearest tasks that were built on its own", () => {
  const tasks = ["a", "b", "c", "d"];
  const edges: [string, string][] = [
    ["a", "b"],
    ["b", "c"],
    ["a", "d"],
  ];
  const before = undoneBefore({ tasks, edges, undone: new Set(["a", "c", "d"]) });
  expect(Object.fromEntries(before)).toEqual({ a: ["c", "d"], c: [], d: [] });
});

test("a chain of 10,000 is no deeper than the stack", () => {
  const tasks = Array.from({ length: 10_000 }, (_, at) => `t${at}`);
  const before = undoneBefore({ tasks, edges: chain(10_000), undone: new Set(["t0", "t9999"]) });
  expect(before.get("t0")).toEqual(["t9999"]);
});

test("where pairs are too many, what is undone is undone in turn", () => {
  const sources = Array.from({ length: 300 }, (_, at) => `s${at}`);
  const sinks = Array.from({ length: 300 }, (_, at) => `e${at}`);
  const edges = [
    ...sources.map((task): [string, string] => [task, "hub"]),
    ...sinks.map((task): [string, string] => ["hub", task]),
  ];
  const before = undoneBefore({
    tasks: [...sources, "hub", ...sinks],
    edges,
    undone: new Set([...sources, ...sinks]),
  });
  expect([...before.values()].flat()).toHaveLength(599);
  expect(orderOf(before).indexOf("s0")).toBeGreaterThan(Math.max(...sinks.map((one) => orderOf(before).indexOf(one))));
});

/** The tasks in an order that keeps to what waits for what. */
function orderOf(before: ReadonlyMap<string, readonly string[]>): string[] {
  const order = new Set<string>();
  const add = (task: string): void => {
    for (const one of before.get(task) ?? []) if (!order.has(one)) add(one);
    order.add(task);
  };
  for (const task of before.keys()) add(task);
  return [...order];
}

test("nothing is undone before what was built on it, at any distance", () => {
  const graphs = fc.integer({ min: 1, max: 14 }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      pairs: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 40 }),
      undone: fc.array(fc.nat(size - 1), { maxLength: size }),
    }),
  );
  fc.assert(
    fc.property(graphs, ({ size, pairs, undone }) => {
      const edges = pairs.filter(([a, b]) => a < b).map(([a, b]): [string, string] => [`t${a}`, `t${b}`]);
      const tasks = Array.from({ length: size }, (_, at) => `t${at}`);
      const chosen = new Set(undone.map((at) => `t${at}`));
      const before = undoneBefore({ tasks, edges, undone: chosen });
      const order = orderOf(before);
      expect(new Set(order)).toEqual(chosen);
      const early = [...chosen].flatMap((task) =>
        [...reached(task, edges)].filter((later) => chosen.has(later) && order.indexOf(later) >= order.indexOf(task)),
      );
      expect(early).toEqual([]);
    }),
  );
});

function reached(task: string, edges: readonly [string, string][]): Set<string> {
  const found = new Set<string>();
  const open = [task];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    for (const [from, to] of edges) {
      if (from !== one || found.has(to)) continue;
      found.add(to);
      open.push(to);
    }
  }
  return found;
}
