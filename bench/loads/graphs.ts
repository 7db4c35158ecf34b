import { type Random, seededRandom } from "../../src/runtime/random.js";

/** A workflow in WfFormat 1.5, as text. */
export interface Document {
  readonly name: string;
  readonly text: string;
}

interface Drawn {
  readonly id: string;
  readonly parents: readonly string[];
  readonly seconds: number;
  readonly writes?: readonly string[];
}

/**
 * Graphs beside the recorded ones, made by chance from a seed: shapes in which the order decides. In `hours` each task takes as long as
 * one of an agent's does; in the others as long as a program.
 */
export function drawnGraphs(): Document[] {
  return [
    wfFormat("fork-join", forkJoin(seededRandom(1))),
    wfFormat("layers", layers(seededRandom(2), 20)),
    wfFormat("layers, hours", layers(seededRandom(3), 1_800)),
    wfFormat("chains and a tail", chains(seededRandom(4), 10)),
    wfFormat("chains and a tail, hours", chains(seededRandom(5), 1_200)),
    wfFormat("sparse", sparse(seededRandom(6), 60)),
    wfFormat("shared files", sharedFiles(seededRandom(7))),
  ];
}

/** Three times: one task, a hundred that need it, one that needs them all. Few of the hundred are long. */
function forkJoin(random: Random): Drawn[] {
  const tasks: Drawn[] = [];
  let before: string[] = [];
  for (let stage = 0; stage < 3; stage++) {
    const fork = add(tasks, { parents: before, seconds: 5 });
    const wide = Array.from({ length: 100 }, () => add(tasks, { parents: [fork], seconds: heavyTail(random, 4) }));
    before = [add(tasks, { parents: wide, seconds: 5 })];
  }
  return tasks;
}

/** Ten layers of forty-five tasks; each needs one to three of the layer before. */
function layers(random: Random, seconds: number): Drawn[] {
  const tasks: Drawn[] = [];
  let above: string[] = [];
  for (let layer = 0; layer < 10; layer++) {
    above = Array.from({ length: 45 }, () =>
      add(tasks, { parents: some(random, above, 1 + whole(random, 3)), seconds: logNormal(random, seconds) }),
    );
  }
  return tasks;
}

/** Chains of one to twelve tasks, in no order, and single tasks of which few are very long. */
function chains(random: Random, seconds: number): Drawn[] {
  const tasks: Drawn[] = [];
  for (let chain = 0; chain < 72; chain++) {
    const length = chain % 3 === 0 ? 1 : 1 + whole(random, 12);
    let before: string[] = [];
    for (let at = 0; at < length; at++) {
      const took = length === 1 ? heavyTail(random, seconds * 4) : logNormal(random, seconds);
      before = [add(tasks, { parents: before, seconds: took })];
    }
  }
  return tasks;
}

/** Any shape: each task needs up to two of the hundred before it. */
function sparse(random: Random, seconds: number): Drawn[] {
  const tasks: Drawn[] = [];
  for (let at = 0; at < 400; at++) {
    const near = tasks.slice(-100).map(({ id }) => id);
    add(tasks, { parents: some(random, near, whole(random, 3)), seconds: logNormal(random, seconds) });
  }
  return tasks;
}

/** Layers in which many write one of thirty files: those of one file go one after the other. */
function sharedFiles(random: Random): Drawn[] {
  const drawn = layers(random, 30);
  return drawn.map((task) => (random.next() < 0.4 ? { ...task, writes: [`shared/${whole(random, 30)}.md`] } : task));
}

function add(tasks: Drawn[], task: Omit<Drawn, "id">): string {
  const id = `task-${tasks.length}`;
  tasks.push({ id, ...task });
  return id;
}

/** A whole number below `count`. */
function whole(random: Random, count: number): number {
  return Math.floor(random.next() * count);
}

function some(random: Random, among: readonly string[], count: number): string[] {
  if (among.length === 0) return [];
  return [...new Set(Array.from({ length: count }, () => among[whole(random, among.length)] ?? ""))];
}

/** With this median; one in six takes more than twice, one in six less than half as long (Box and Muller, 1958). */
function logNormal(random: Random, median: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return median * Math.exp(0.7 * normal);
}

/** A Pareto distribution of shape 1.2, cut at a hundred times its least. */
function heavyTail(random: Random, least: number): number {
  return least * Math.min(100, (1 - random.next()) ** (-1 / 1.2));
}

function wfFormat(name: string, drawn: readonly Drawn[]): Document {
  const tasks = drawn.map(({ id, parents, writes = [] }) => ({
    name: id,
    id,
    parents,
    children: drawn.filter((other) => other.parents.includes(id)).map((other) => other.id),
    outputFiles: writes,
  }));
  const execution = {
    makespanInSeconds: 0,
    executedAt: "2026-01-01T00:00:00Z",
    tasks: drawn.map(({ id, seconds }) => ({ id, runtimeInSeconds: Math.round(seconds * 1_000) / 1_000 })),
  };
  const document = { name, schemaVersion: "1.5", workflow: { specification: { tasks }, execution } };
  return { name, text: JSON.stringify(document) };
}
