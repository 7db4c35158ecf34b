import { createRequire } from "node:module";
import type { DirectedGraph } from "graphology";
import { BatonError } from "../../base/errors.js";

/** A task as the graph sees it. Keys are unique; `weightMs` is how long it is expected to take, finite and ≥ 0. */
export interface GraphNode {
  readonly key: string;
  /** The keys of the tasks it depends on. The same key twice counts once. */
  readonly needs: readonly string[];
  readonly weightMs: number;
}

/** One waits for another: a task for its dependency, an agent for the holder of a lock. */
export type WaitEdge = readonly [waiter: string, awaited: string];

/** The chain of tasks that bounds a run from below: no number of agents finishes it sooner. */
export interface CriticalPath {
  /** From a task that needs nothing to one that nothing needs. Empty only for an empty graph. */
  readonly keys: readonly string[];
  readonly totalMs: number;
}

/** Every task with each of its dependencies, as the edges that `findCycle` reads. */
export function* dependencyEdges(nodes: Iterable<Pick<GraphNode, "key" | "needs">>): Generator<WaitEdge> {
  for (const { key, needs } of nodes) {
    for (const need of needs) yield [key, need];
  }
}

/**
 * A cycle among the edges as keys in order, the first repeated at the end (`["a", "b", "a"]`: a waits for b, b for a),
 * or undefined. Of the cycles through the key where the search meets one, the shortest. Any digraph will do, a key
 * may wait for itself, and the depth is bounded by memory alone. O(V + E).
 */
export function findCycle(waits: Iterable<WaitEdge>): string[] | undefined {
  const awaited = awaitedBy(waits);
  const settled = new Set<string>();
  for (const start of awaited.keys()) {
    const member = memberOfCycle(start, awaited, settled);
    if (member !== undefined) return shortestWayBack(member, awaited);
  }
  return undefined;
}

/** The shortest cycle through `start`, in the form of `findCycle`, or undefined. Breadth-first, O(V + E). */
export function findCycleThrough(waits: Iterable<WaitEdge>, start: string): string[] | undefined {
  return shortestWayBack(start, awaitedBy(waits));
}

const CYCLE_TEXT_KEYS_MAX = 20;

/** A cycle for a message: `a → b → a`; of a long one the first keys, how many are left out, and the last. */
export function cycleText(cycle: readonly string[]): string {
  const hidden = cycle.length - CYCLE_TEXT_KEYS_MAX;
  const shown = hidden > 0 ? cycle.toSpliced(CYCLE_TEXT_KEYS_MAX - 1, hidden, `(${hidden} more)`) : cycle;
  return shown.join(" → ");
}

type AwaitedBy = ReadonlyMap<string, readonly string[]>;

function awaitedBy(waits: Iterable<WaitEdge>): AwaitedBy {
  const awaited = new Map<string, string[]>();
  for (const [from, to] of waits) {
    const known = awaited.get(from);
    if (known) known.push(to);
    else awaited.set(from, [to]);
  }
  return awaited;
}

/** Depth-first with an explicit stack: the first key met again while its own search is still open. */
function memberOfCycle(start: string, awaited: AwaitedBy, settled: Set<string>): string | undefined {
  const open = new Set<string>();
  const stack: { key: string; rest: Iterator<string> }[] = [];
  const enter = (key: string) => {
    open.add(key);
    stack.push({ key, rest: (awaited.get(key) ?? [])[Symbol.iterator]() });
  };
  if (!settled.has(start)) enter(start);
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const next = top.rest.next();
    if (next.done) {
      open.delete(top.key);
      settled.add(top.key);
      stack.pop();
    } else if (open.has(next.value)) {
      return next.value;
    } else if (!settled.has(next.value)) {
      enter(next.value);
    }
  }
  return undefined;
}

function shortestWayBack(start: string, awaited: AwaitedBy): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  // The loop also visits what is pushed while it runs.
  for (const key of queue) {
    for (const next of awaited.get(key) ?? []) {
      if (next === start) {
        const path = [start];
        for (let step: string | undefined = key; step !== undefined; step = cameFrom.get(step)) path.push(step);
        return path.reverse();
      }
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, key);
      queue.push(next);
    }
  }
  return undefined;
}

// Loaded at the first graph and not with this module: a server that only serves claims never pays the 15 ms. `require`
// because an engine transaction is synchronous; it is untyped, hence the casts to the packages' own types.
const require = createRequire(import.meta.url);
const graphology = () => require("graphology") as typeof import("graphology");
const graphologyDag = () => require("graphology-dag") as typeof import("graphology-dag");

/**
 * Builds the graph of a run or a definition. O(V + E).
 * Throws `BatonError` `invalid_input`: a key twice, a need that is no key, a weight that is no duration, or a cycle,
 * whose path stands in `details.cycle` and in the message.
 */
export function buildDag(nodes: readonly GraphNode[]): Dag {
  const indexOf = indexByKey(nodes);
  const cycle = findCycle(dependencyEdges(nodes));
  if (cycle) {
    throw new BatonError("invalid_input", `tasks wait for each other in a cycle: ${cycleText(cycle)}`, {
      details: { cycle },
    });
  }
  const { DirectedGraph } = graphology();
  const graph = new DirectedGraph();
  // Vertices are named by position: graphology looks neighbours up in plain objects, and silently loses the edges of a
  // task named "constructor".
  nodes.forEach((_, index) => graph.addNode(String(index)));
  nodes.forEach(({ key, needs }, index) => {
    for (const need of needs) {
      const dependency = indexOf.get(need);
      if (dependency === undefined) {
        throw new BatonError("invalid_input", `task "${key}" needs "${need}", which is not a task of this graph`, {
          details: { task: key, need },
        });
      }
      graph.mergeEdge(String(dependency), String(index));
    }
  });
  return new Dag(nodes, indexOf, graph);
}

function indexByKey(nodes: readonly GraphNode[]): ReadonlyMap<string, number> {
  const indexOf = new Map<string, number>();
  nodes.forEach(({ key, weightMs }, index) => {
    if (indexOf.has(key)) {
      throw new BatonError("invalid_input", `two tasks have the key "${key}"`, {
        details: { task: key },
      });
    }
    if (!(weightMs >= 0 && weightMs < Infinity)) {
      throw new BatonError("invalid_input", `task "${key}" has no usable duration: ${weightMs} ms`, {
        details: { task: key },
      });
    }
    indexOf.set(key, index);
  });
  return indexOf;
}

/** An acyclic task graph, made by `buildDag`. Edges run from a dependency to its dependent. */
export class Dag {
  readonly #nodes: readonly GraphNode[];
  readonly #indexOf: ReadonlyMap<string, number>;
  readonly #graph: DirectedGraph;
  /** Positions in `#nodes` by generation: a task's is the number of edges of the longest path that leads to it. */
  readonly #waves: readonly (readonly number[])[];

  readonly taskCount: number;
  /** Distinct dependencies. */
  readonly edgeCount: number;
  /** Edges of the longest path: one less than the number of waves, 0 for an empty graph. */
  readonly depth: number;
  /** Tasks of the largest wave. */
  readonly maxWidth: number;
  readonly totalWorkMs: number;

  constructor(nodes: readonly GraphNode[], indexOf: ReadonlyMap<string, number>, graph: DirectedGraph) {
    this.#nodes = nodes;
    this.#indexOf = indexOf;
    this.#graph = graph;
    this.#waves = graphologyDag()
      .topologicalGenerations(graph)
      .map((wave) => wave.map(Number));
    this.taskCount = graph.order;
    this.edgeCount = graph.size;
    this.depth = Math.max(0, this.#waves.length - 1);
    this.maxWidth = this.#waves.reduce((widest, wave) => Math.max(widest, wave.length), 0);
    this.totalWorkMs = nodes.reduce((sum, { weightMs }) => sum + weightMs, 0);
  }

  /** The topological generations as keys: a wave's tasks depend only on earlier waves, on at least one of the last. */
  waves(): string[][] {
    return this.#waves.map((wave) => wave.map((index) => this.#node(index).key));
  }

  /** Every key after the keys it needs. */
  topologicalOrder(): string[] {
    return this.waves().flat();
  }

  /**
   * The upward rank of every task in ms: its own weight plus the largest rank among its dependents, so the longest
   * expected path from its start to the end of the run. Topcuoglu, Hariri & Wu, "Performance-effective and
   * low-complexity task scheduling for heterogeneous computing" (HEFT), IEEE TPDS 13(3), 2002. O(V + E).
   */
  upwardRanks(): Map<string, number> {
    const ranks = this.#ranks();
    return new Map(this.#nodes.map((node, index) => [node.key, ranks[index] ?? 0]));
  }

  /** The longest path by weight. Among equals the earliest in topological order, so the answer is always the same. */
  criticalPath(): CriticalPath {
    const ranks = this.#ranks();
    const longest = (candidates: readonly number[]): number | undefined => {
      let best: number | undefined;
      for (const index of candidates) {
        if (best === undefined || (ranks[index] ?? 0) > (ranks[best] ?? 0)) best = index;
      }
      return best;
    };
    const first = longest(this.#waves[0] ?? []);
    const keys: string[] = [];
    for (let index = first; index !== undefined; index = longest(this.#dependents(index))) {
      keys.push(this.#node(index).key);
    }
    return { keys, totalMs: first === undefined ? 0 : (ranks[first] ?? 0) };
  }

  /** Every task that waits for `key`, directly or through others, in topological order. Empty for an unknown key. */
  dependentsOf(key: string): string[] {
    const start = this.#indexOf.get(key);
    if (start === undefined) return [];
    const reached = new Set([start]);
    for (const index of reached) {
      for (const dependent of this.#dependents(index)) reached.add(dependent);
    }
    reached.delete(start);
    return this.#waves
      .flat()
      .filter((index) => reached.has(index))
      .map((index) => this.#node(index).key);
  }

  #ranks(): Float64Array {
    const ranks = new Float64Array(this.#nodes.length);
    for (const wave of this.#waves.toReversed()) {
      for (const index of wave) {
        const after = this.#dependents(index).reduce((most, dependent) => Math.max(most, ranks[dependent] ?? 0), 0);
        ranks[index] = this.#node(index).weightMs + after;
      }
    }
    return ranks;
  }

  #dependents(index: number): number[] {
    return this.#graph.mapOutNeighbors(String(index), Number);
  }

  #node(index: number): GraphNode {
    const node = this.#nodes[index];
    if (!node) throw new Error(`no task at position ${index} of ${this.#nodes.length}`);
    return node;
  }
}
