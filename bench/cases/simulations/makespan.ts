import path from "node:path";
import type { Parsed } from "../../../src/engine/definitions/definition.js";
import { readWfFormat } from "../../../src/engine/workflows/wfformat.js";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import { type Settings } from "../../../src/base/settings.js";
import { ManualClock } from "../../../src/runtime/clock.js";
import { sortableIds } from "../../../src/runtime/ids.js";
import { seededRandom } from "../../../src/runtime/random.js";
import { refreshLane } from "../../../src/store/scheduling/lanes.js";
import { setOrder } from "../../../src/store/tasks/transitions.js";
import { graphOfRun } from "../../../src/store/tasks/lists.js";
import type { Bench, Benchmark, Line, Outcome } from "../../harness/benchmark.js";
import { EngineHandle, held, planOf } from "../../harness/engine-handle.js";
import { type Document, drawnGraphs } from "../../loads/graphs.js";
import { ROOT } from "../../harness/places.js";
import { median } from "../../harness/rounds.js";
import { boundsOf, lowerBound, makespanOf, workOff } from "../../loads/simulation.js";
import { recordedTraces } from "../../loads/traces.js";

const CREWS = [4, 16, 64] as const;
const SEEDS = [11, 12, 13] as const;
/** Of rank over FIFO. */
const MEAN_MAX = 0.97;
const WORST_MAX = 1.01;

/**
 * An order is the engine's own with another key, so that graph, claims and files are the same for all: `key` gives a task's
 * place within its ageing bucket (smaller first), or leaves the upward rank that the engine has given.
 */
interface Order {
  readonly name: string;
  readonly ageingMs: number;
  readonly key?: () => number;
}

const FOREVER_MS = 100 * 365 * 86_400_000;
// A bucket for each millisecond: who became ready first comes first, and of those who did so at once the older one.
const FIFO: Order = { name: "FIFO", ageingMs: 1, key: () => 0 };
const RANK: Order = { name: "rank", ageingMs: defaultSettings.ageing_ms };
const RANK_ALONE: Order = { name: "rank without ageing", ageingMs: FOREVER_MS };

function atRandom(seed: number): Order {
  const random = seededRandom(seed);
  return { name: `random ${seed}`, ageingMs: FOREVER_MS, key: () => Math.floor(random.next() * 1e9) };
}

interface Case {
  readonly name: string;
  readonly parsed: Parsed;
  readonly durations: ReadonlyMap<string, number>;
}

/** Makespans over the lower bound. */
interface Row {
  readonly name: string;
  readonly agents: number;
  readonly rank: number;
  readonly rankAlone: number;
  readonly fifo: number;
  readonly random: number;
}

export const makespan: Benchmark = {
  name: "makespan",
  title: "Makespan over its lower bound, by the order of claims, in virtual time",
  async run(bench: Bench): Promise<Outcome> {
    const documents = [...recordedTraces(ROOT), ...drawnGraphs()].slice(0, bench.quick ? 2 : undefined);
    const rows: Row[] = [];
    for (const one of documents.map(caseOf)) {
      bench.say(one.name);
      for (const agents of CREWS) rows.push(await rowOf(bench, one, agents));
    }
    return { lines: linesOf(rows), notes: NOTES, detail: { rows } };
  },
};

const NOTES = [
  "Each agent claims through the engine on SQLite; a task takes its recorded runtime of a clock that jumps to the next end.",
  "Lower bound: the longest of critical path, work / agents, and the busiest file. Estimates are the recorded runtimes.",
  "rank is the engine's order under default settings. FIFO and random are the same engine with another key in the same column: FIFO an ageing bucket of 1 ms and no rank, random a number for each task, the median of three seeds. Without ageing: rank alone decides.",
];

function caseOf({ name, text }: Document): Case {
  const parsed = planOf(readWfFormat(text, defaultSettings).definition);
  const { steps } = parsed.definition;
  return { name, parsed, durations: new Map(steps.map((step) => [step.key, step.estimate_ms ?? 0])) };
}

async function rowOf(bench: Bench, one: Case, agents: number): Promise<Row> {
  const tasks = one.parsed.definition.steps.map(({ key, needs, files }) => ({
    key,
    needs,
    ms: one.durations.get(key) ?? 0,
    writes: files.write,
  }));
  const bound = lowerBound(boundsOf(tasks), agents);
  const over = async (order: Order): Promise<number> => (await simulated(bench, { one, agents, order })) / bound;
  const random: number[] = [];
  for (const seed of SEEDS) random.push(await over(atRandom(seed)));
  return {
    name: one.name,
    agents,
    rank: await over(RANK),
    rankAlone: await over(RANK_ALONE),
    fifo: await over(FIFO),
    random: median(random),
  };
}

let files = 0;

interface Simulation {
  readonly one: Case;
  readonly agents: number;
  readonly order: Order;
}

/** In ms. */
async function simulated({ directory }: Bench, { one, agents, order }: Simulation): Promise<number> {
  const clock = new ManualClock();
  const random = seededRandom(1);
  // Nothing is given up in the middle: leases outlast every run.
  const settings: Settings = {
    ...defaultSettings,
    ageing_ms: order.ageingMs,
    lease_ms: FOREVER_MS,
    session_ttl_ms: FOREVER_MS,
    task_timeout_ms: FOREVER_MS,
  };
  files += 1;
  const file = path.join(directory, `makespan-${files}.db`);
  const handle = await EngineHandle.onSqlite(file, "NORMAL", {
    runtime: { clock, random, ids: sortableIds(random) },
    settings,
  });
  const { run } = await handle.start(await handle.project(), one.parsed);
  const { key } = order;
  if (key) await handle.transact(() => reorder(run.id, key));
  const stints = await workOff(
    {
      claim: async (agent) => {
        const claim = await handle.ask(agent, { run: run.id });
        return claim.outcome === "none" ? undefined : { key: claim.brief.task.key, held: held(claim.brief) };
      },
      complete: async (task) => void (await handle.complete(task)),
      now: () => clock.now(),
      advance: async (ms) => clock.advance(ms),
    },
    { agents, durations: one.durations },
  );
  await handle.close();
  if (stints.length !== one.durations.size) throw new Error(`${one.name} stopped after ${stints.length} tasks`);
  return makespanOf(stints);
}

function* reorder(run: string, key: () => number) {
  const { tasks } = yield* graphOfRun(run);
  for (const { id } of tasks) yield* setOrder(id, { rankOrder: key(), earlierByMs: 0 });
  for (const { demand, scope, status } of tasks) if (status === "ready") yield* refreshLane({ run, demand, scope });
}

function linesOf(rows: readonly Row[]): Line[] {
  const each = rows.map((row): Line => ({
    what: `${row.name}, ${row.agents} agents`,
    value: row.rank,
    unit: "× bound",
    peer: { name: "FIFO", value: row.fifo },
    ratio: row.rank / row.fifo,
    target: { of: "ratio", at: "most", limit: WORST_MAX },
  }));
  const mean = (value: (row: Row) => number): number =>
    Math.exp(rows.reduce((sum, row) => sum + Math.log(value(row)), 0) / rows.length);
  const against = (name: string, peer: (row: Row) => number): Line => ({
    what: `geometric mean, beside ${name}`,
    value: mean(({ rank }) => rank),
    unit: "× bound",
    peer: { name, value: mean(peer) },
    ratio: mean((row) => row.rank / peer(row)),
  });
  return [
    ...each,
    { ...against("FIFO", ({ fifo }) => fifo), target: { of: "ratio", at: "most", limit: MEAN_MAX } },
    against("random", ({ random }) => random),
    against("rank without ageing", ({ rankAlone }) => rankAlone),
  ];
}
