import { grouped } from "../../base/lists/groups.js";
import { tasksWithFiles } from "../../store/conflicts/contenders.js";
import { findScopes } from "../../store/scheduling/file-sets.js";
import { edgesOfRun } from "../../store/tasks/lists.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { modedPatterns, type ModedPattern } from "../paths/file-sets.js";
import { overlaps } from "../paths/paths.js";
import { type FoundConflict, runOf, taskParty } from "./found.js";
import { PATHS_SHOWN_MAX } from "./lock-waits.js";

const TASKS_MAX = 500;
const COMPARISONS_MAX = 50_000;
const PAIRS_MAX = 100;

/** Two tasks whose declared files overlap and that no dependency puts in order. */
export interface OverlappingPair {
  readonly tasks: readonly [Task, Task];
  readonly paths: readonly string[];
}

interface OverlappingPairs {
  readonly pairs: readonly OverlappingPair[];
  /** Whether no bound was met. */
  readonly isWhole: boolean;
}

/** Returns such pairs, in the order of claims; at most as many as are shown. */
export function* overlappingPairs(where: {
  readonly project: string;
  readonly run?: string | undefined;
}): Tx<OverlappingPairs> {
  const tasks = yield* tasksWithFiles({ ...where, limit: TASKS_MAX });
  const scopes = yield* findScopes([...new Set(tasks.map(({ scope }) => scope))]);
  const patterns = new Map(
    [...scopes].map(([id, { paths, caseInsensitive }]) => [id, modedPatterns(paths, caseInsensitive)]),
  );
  const ids = new Set(tasks.map(({ id }) => id));
  const pairs: OverlappingPair[] = [];
  const orders = new Map<string, Order>();
  const compared = new Map<string, readonly string[]>();
  let comparisons = 0;
  for (const [at, one] of tasks.entries()) {
    for (const other of tasks.slice(at + 1)) {
      if (pairs.length >= PAIRS_MAX || comparisons > COMPARISONS_MAX) return { pairs, isWhole: false };
      const key = `${one.scope}/${other.scope}`;
      const known = compared.get(key);
      const [mine, theirs] = [patterns.get(one.scope) ?? [], patterns.get(other.scope) ?? []];
      if (known === undefined) comparisons += mine.length * theirs.length;
      const paths = known ?? common(mine, theirs);
      compared.set(key, paths);
      if (paths.length === 0) continue;
      if (one.run === other.run) {
        const order = orders.get(one.run) ?? new Order(yield* edgesOfRun(one.run), ids);
        orders.set(one.run, order);
        if (order.isBefore(one.id, other.id) || order.isBefore(other.id, one.id)) continue;
      }
      pairs.push({ tasks: [one, other], paths });
    }
  }
  return { pairs, isWhole: tasks.length < TASKS_MAX };
}

/** Tasks that could run together but for the files that they declare; where one runs, the others wait for its locks. */
export function overlappingScopes(pairs: readonly OverlappingPair[]): FoundConflict[] {
  const open = pairs.filter(({ tasks }) => tasks.every(({ status }) => status !== "running"));
  return open.map(({ tasks, paths }) => {
    const [one, other] = tasks;
    return {
      kind: "overlapping_scopes",
      names: [one.id, other.id].toSorted(),
      run: runOf(tasks),
      parties: tasks.map((task) => taskParty(task, { role: "writes", paths })),
      detail: `${one.key} and ${other.key} declare ${paths.join(", ")}, and no dependency says which goes first`,
    };
  });
}

/** Paths of the first that meet one of the second, where at least one of both is written. */
function common(one: readonly ModedPattern[], other: readonly ModedPattern[]): string[] {
  const met = one.filter(({ pattern, mode }) =>
    other.some((its) => (mode === "exclusive" || its.mode === "exclusive") && overlaps(pattern, its.pattern)),
  );
  return met.map(({ pattern }) => pattern.path).slice(0, PATHS_SHOWN_MAX);
}

/** The order that the dependencies of a run make among some of its tasks. */
class Order {
  readonly #dependencies: ReadonlyMap<string, readonly string[]>;
  readonly #among: ReadonlySet<string>;
  readonly #before = new Map<string, ReadonlySet<string>>();

  constructor(edges: readonly (readonly [task: string, dependency: string])[], among: ReadonlySet<string>) {
    this.#among = among;
    this.#dependencies = grouped(
      edges,
      ([task]) => task,
      ([, dependency]) => dependency,
    );
  }

  isBefore(first: string, second: string): boolean {
    return this.#allBefore(second).has(first);
  }

  #allBefore(task: string): ReadonlySet<string> {
    const known = this.#before.get(task);
    if (known) return known;
    const found = new Set<string>();
    const open = [task];
    for (let next = open.pop(); next !== undefined; next = open.pop())
      for (const dependency of this.#dependencies.get(next) ?? []) {
        if (found.has(dependency)) continue;
        found.add(dependency);
        open.push(dependency);
      }
    const before = new Set([...found].filter((id) => this.#among.has(id)));
    this.#before.set(task, before);
    return before;
  }
}
