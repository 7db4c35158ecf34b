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

/**
 * Builds the graph of a run or a definition. O(V + E).
 * Throws `BatonError` `invalid_input`: a key twice, a need that is no key, a weight that is no duration, or a cycle,
 * whose path stands in `details.cycle` and in the message.
 */
export function buildDag(nodes: readonly GraphNode[]): Dag {
  const indexOf = indexByKey(nodes);
  const dependents: number[][] = nodes.map(() => []);
  const missing = new Int32Array(nodes.length);
  nodes.forEach(({ key, needs }, index) => {
    for (const need of needs) {
      const dependency = indexOf.get(need);
      if (dependency === undefined) {
        throw new BatonError("invalid_input", `task "${key}" needs "${need}", which is not a task of this graph`, {
          details: { task: key, need },
        });
      }
      const behind = dependents[dependency];
      // A task's needs are met one after the other, so the same one again is the last that was added.
      if (behind === undefined || behind.at(-1) === index) continue;
      behind.push(index);
      missing[index] = (missing[index] ?? 0) + 1;
    }
  });
  const waves = wavesOf(dependents, missing);
  if (waves.reduce((sum, { length }) => sum + length, 0) < nodes.length) throw inCycle(nodes);
  return new Dag({ nodes, indexOf, dependents, waves });
}

/** Positions by how many edges the longest way to them has; those that wait for each other in a cycle are missing (Kahn 1962). */
function wavesOf(dependents: readonly (readonly number[])[], missing: Int32Array): number[][] {
  const waves: number[][] = [];
  let wave = dependents.flatMap((_, index) => (missing[index] === 0 ? [index] : []));
  while (wave.length > 0) {
    waves.push(wave);
    const next: number[] = [];
    for (const index of wave) {
      for (const dependent of dependents[index] ?? []) {
        const left = (missing[dependent] ?? 0) - 1;
        missing[dependent] = left;
        if (left === 0) next.push(dependent);
      }
    }
    wave = next;
  }
  return waves;
}

function inCycle(nodes: readonly GraphNode[]): BatonError {
  const cycle = findCycle(dependencyEdges(nodes)) ?? [];
  return new BatonError("invalid_input", `tasks wait for each other in a cycle: ${cycleText(cycle)}`, {
    details: { cycle },
  });
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

interface DagParts {
  readonly nodes: readonly GraphNode[];
  readonly indexOf: ReadonlyMap<string, number>;
  /** By the position of a task, those of the tasks that wait for it, each once. */
  readonly dependents: readonly (readonly number[])[];
  /** Positions by wave. */
  readonly waves: readonly (readonly number[])[];
}

/** An acyclic task graph, made by `buildDag`. Edges run from a dependency to its dependent. */
export class Dag {
  readonly #nodes: readonly GraphNode[];
  readonly #indexOf: ReadonlyMap<string, number>;
  readonly #dependents: DagParts["dependents"];
  readonly #waves: DagParts["waves"];

  readonly taskCount: number;
  /** Distinct dependencies. */
  readonly edgeCount: number;
  /** Edges of the longest path: one less than the number of waves, 0 for an empty graph. */
  readonly depth: number;
  /** Tasks of the largest wave. */
  readonly maxWidth: number;
  readonly totalWorkMs: number;

  constructor({ nodes, indexOf, dependents, waves }: DagParts) {
    this.#nodes = nodes;
    this.#indexOf = indexOf;
    this.#dependents = dependents;
    this.#waves = waves;
    this.taskCount = nodes.length;
    this.edgeCount = dependents.reduce((sum, { length }) => sum + length, 0);
    this.depth = Math.max(0, waves.length - 1);
    this.maxWidth = waves.reduce((widest, wave) => Math.max(widest, wave.length), 0);
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
    for (let index = first; index !== undefined; index = longest(this.#behind(index))) {
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
      for (const dependent of this.#behind(index)) reached.add(dependent);
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
        const after = this.#behind(index).reduce((most, dependent) => Math.max(most, ranks[dependent] ?? 0), 0);
        ranks[index] = this.#node(index).weightMs + after;
      }
    }
    return ranks;
  }

  #behind(index: number): readonly number[] {
    return this.#dependents[index] ?? [];
  }

  #node(index: number): GraphNode {
    const node = this.#nodes[index];
    if (!node) throw new Error(`no task at position ${index} of ${this.#nodes.length}`);
    return node;
  }
}
