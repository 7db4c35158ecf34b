/** A place for each task: columns are how deep it stands in what it needs, rows follow those of its neighbours. */
export interface GraphLayout {
  /** By the place of the task in the list. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly width: number;
  readonly height: number;
  /** Places of tasks, by column, from top to bottom. */
  readonly columns: readonly (readonly number[])[];
  /** Pairs of places, one after the other. */
  readonly edges: Int32Array;
}

export const BOX = { width: 168, height: 34 } as const;
const GAP = { column: 64, row: 10 } as const;
/** Two there and two back: more changes little. */
const SWEEPS = 4;

interface Edge {
  readonly from: string;
  readonly to: string;
}

/** Lays out in layers, ordered by the mean place of their neighbours (Sugiyama, Tagawa & Toda 1981). */
export function layOut(keys: readonly string[], given: readonly Edge[]): GraphLayout {
  const places = new Map(keys.map((key, place) => [key, place]));
  const edges = given.flatMap(({ from, to }) => {
    const [source, target] = [places.get(from), places.get(to)];
    return source === undefined || target === undefined ? [] : [[source, target] as const];
  });
  const before: number[][] = keys.map(() => []);
  const after: number[][] = keys.map(() => []);
  for (const [source, target] of edges) {
    after[source]?.push(target);
    before[target]?.push(source);
  }
  const columns = columnsOf(before, after);
  const y = new Float32Array(keys.length);
  for (const column of columns) stack(column, y);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForward = sweep % 2 === 0;
    for (const column of isForward ? columns : columns.toReversed()) order(column, isForward ? before : after, y);
  }
  return placed(columns, y, Int32Array.from(edges.flat()));
}

/** The longest way to each task decides its column. */
function columnsOf(before: readonly number[][], after: readonly number[][]): number[][] {
  const depth = new Int32Array(before.length);
  const missing = Int32Array.from(before, ({ length }) => length);
  const queue = before.flatMap((needs, place) => (needs.length === 0 ? [place] : []));
  const columns: number[][] = [];
  for (const place of queue) {
    (columns[depth[place] ?? 0] ??= []).push(place);
    for (const next of after[place] ?? []) {
      depth[next] = Math.max(depth[next] ?? 0, (depth[place] ?? 0) + 1);
      missing[next] = (missing[next] ?? 0) - 1;
      if (missing[next] === 0) queue.push(next);
    }
  }
  return columns;
}

function order(column: number[], neighbours: readonly number[][], y: Float32Array): void {
  const weights = new Map(
    column.map((place) => {
      const beside = neighbours[place] ?? [];
      const sum = beside.reduce((total, other) => total + (y[other] ?? 0), 0);
      return [place, beside.length === 0 ? (y[place] ?? 0) : sum / beside.length];
    }),
  );
  column.sort((a, b) => (weights.get(a) ?? 0) - (weights.get(b) ?? 0));
  stack(column, y);
}

/** Rows of a column, around the middle. */
function stack(column: readonly number[], y: Float32Array): void {
  const step = BOX.height + GAP.row;
  column.forEach((place, row) => {
    y[place] = (row - (column.length - 1) / 2) * step;
  });
}

function placed(columns: readonly number[][], y: Float32Array, edges: Int32Array): GraphLayout {
  const x = new Float32Array(y.length);
  columns.forEach((column, depth) => {
    for (const place of column) x[place] = depth * (BOX.width + GAP.column);
  });
  const top = Math.min(0, ...columns.map(([first]) => (first === undefined ? 0 : (y[first] ?? 0))));
  for (let place = 0; place < y.length; place++) y[place] = (y[place] ?? 0) - top;
  const height = Math.max(0, ...columns.map((column) => y[column.at(-1) ?? 0] ?? 0)) + BOX.height;
  const width = Math.max(0, columns.length * (BOX.width + GAP.column) - GAP.column);
  return { x, y, width, height, columns, edges };
}
