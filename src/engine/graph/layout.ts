import { buildDag, type GraphNode } from "./dag.js";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A graph drawn from left to right, in pixels from the top left corner. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** The top left corner of each node's box, in the order of the nodes. */
  readonly corners: readonly Point[];
  readonly lines: readonly Line[];
}

/** A dependency: from the right side of one box, through the gaps it passes, to the left side of another. */
export interface Line {
  /** Two points for each gap between columns that it crosses, left side first. */
  readonly points: readonly Point[];
}

export const BOX = { width: 210, height: 46 } as const;
const GAP = { column: 70, row: 18, bend: 12 } as const;
const MARGIN = 24;
// Two there and two back: more changes little (Jünger & Mutzel 1997), and 10,000 nodes stay far below a second.
const SWEEPS = 4;
// A long edge bends in every column it passes. Past so many bends in all, such edges run straight.
const BENDS_MAX = 20_000;

/** A place in a column: a node's box (indices below the number of nodes), or where a long edge passes. */
type Slot = number;

interface Sketch {
  readonly nodeCount: number;
  readonly columns: Slot[][];
  /** Neighbours of a slot in the columns before and after its own. */
  readonly before: Slot[][];
  readonly after: Slot[][];
  /** For each dependency the slots it runs through, the two boxes included. */
  readonly routes: Slot[][];
  /** Middle of a slot, relative to the drawing's axis. */
  readonly middle: Float64Array;
  /** The weight by which a slot was last sorted. */
  readonly weight: Float64Array;
}

/**
 * Columns are topological generations; within a column, slots are ordered by the barycentre of their neighbours.
 * Sugiyama, Tagawa & Toda, "Methods for visual understanding of hierarchical system structures", IEEE SMC 11(2), 1981.
 * Throws as `buildDag` does.
 */
export function layOut(nodes: readonly Pick<GraphNode, "key" | "needs">[]): Layout {
  const sketch = sketchOf(nodes);
  for (const column of sketch.columns) stackUp(column, sketch);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0;
    const neighbours = forward ? sketch.before : sketch.after;
    for (const column of forward ? sketch.columns : sketch.columns.toReversed()) {
      orderByBarycentre(column, neighbours, sketch);
      stackUp(column, sketch);
    }
  }
  return drawn(sketch);
}

function sketchOf(nodes: readonly Pick<GraphNode, "key" | "needs">[]): Sketch {
  const indexOf = new Map(nodes.map(({ key }, index) => [key, index]));
  const waves = buildDag(nodes.map(({ key, needs }) => ({ key, needs, weightMs: 0 }))).waves();
  const columns = waves.map((wave) => wave.map((key) => indexOf.get(key) ?? 0));
  const columnOf: number[] = [];
  columns.forEach((column, at) => column.forEach((slot) => (columnOf[slot] = at)));
  const before: Slot[][] = nodes.map(() => []);
  const after: Slot[][] = nodes.map(() => []);
  const routes: Slot[][] = [];
  const link = (from: Slot, to: Slot) => {
    after[from]?.push(to);
    before[to]?.push(from);
  };
  nodes.forEach(({ needs }, to) => {
    for (const need of new Set(needs)) {
      const from = indexOf.get(need) ?? 0;
      const route = [from];
      const first = (columnOf[from] ?? 0) + 1;
      const bends = (columnOf[to] ?? 0) - first;
      for (let bend = 0; bend < bends && before.length - nodes.length < BENDS_MAX; bend++) {
        const slot = before.push([]) - 1;
        after.push([]);
        columns[first + bend]?.push(slot);
        link(route.at(-1) ?? from, slot);
        route.push(slot);
      }
      link(route.at(-1) ?? from, to);
      routes.push([...route, to]);
    }
  });
  const [middle, weight] = [new Float64Array(before.length), new Float64Array(before.length)];
  return { nodeCount: nodes.length, columns, before, after, routes, middle, weight };
}

function stackUp(column: readonly Slot[], { nodeCount, middle }: Sketch): void {
  const heightOf = (slot: Slot) => (slot < nodeCount ? BOX.height + GAP.row : GAP.bend);
  let top = -column.reduce((sum, slot) => sum + heightOf(slot), 0) / 2;
  for (const slot of column) {
    middle[slot] = top + heightOf(slot) / 2;
    top += heightOf(slot);
  }
}

function orderByBarycentre(column: Slot[], neighbours: readonly Slot[][], { middle, weight }: Sketch): void {
  for (const slot of column) {
    const around = neighbours[slot] ?? [];
    let sum = 0;
    for (const neighbour of around) sum += middle[neighbour] ?? 0;
    weight[slot] = around.length > 0 ? sum / around.length : (middle[slot] ?? 0);
  }
  // The sort is stable, so slots of equal weight keep their order and the drawing is always the same.
  column.sort((a, b) => (weight[a] ?? 0) - (weight[b] ?? 0));
}

function drawn({ nodeCount, columns, routes, middle }: Sketch): Layout {
  const halfHeight = middle.reduce((most, y) => Math.max(most, Math.abs(y)), 0) + BOX.height / 2 + MARGIN;
  const left: number[] = [];
  columns.forEach((column, at) => {
    for (const slot of column) left[slot] = MARGIN + at * (BOX.width + GAP.column);
  });
  const at = (slot: Slot, side: "left" | "right"): Point => ({
    x: (left[slot] ?? 0) + (side === "right" ? BOX.width : 0),
    y: Math.round(halfHeight + (middle[slot] ?? 0)),
  });
  const corners = Array.from({ length: nodeCount }, (_, index) => {
    const { x, y } = at(index, "left");
    return { x, y: y - BOX.height / 2 };
  });
  const lines = routes.map((route) => ({
    points: route.flatMap((slot, step) => {
      const sides = [at(slot, "left"), at(slot, "right")];
      if (step === 0) return sides.slice(1);
      return step === route.length - 1 ? sides.slice(0, 1) : sides;
    }),
  }));
  const width = 2 * MARGIN + Math.max(1, columns.length) * (BOX.width + GAP.column) - GAP.column;
  return { width, height: Math.ceil(2 * halfHeight), corners, lines };
}
