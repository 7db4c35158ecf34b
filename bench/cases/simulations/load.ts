import path from "node:path";
import { registerAgent } from "../../../src/engine/agents/agents.js";
import { moveReservation, planLoad } from "../../../src/engine/load/rebalancing.js";
import { assignTask } from "../../../src/engine/tasks/assignments.js";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import { ManualClock } from "../../../src/runtime/clock.js";
import { sortableIds } from "../../../src/runtime/ids.js";
import { type Random, seededRandom } from "../../../src/runtime/random.js";
import { graphOfRun } from "../../../src/store/tasks/lists.js";
import type { Bench, Benchmark, Line, Outcome } from "../../harness/benchmark.js";
import { EngineHandle, type Held, held, planOf } from "../../harness/engine-handle.js";

const AGENTS = Array.from({ length: 20 }, (_, at) => `agent-${at + 1}`);
const TASKS = 400;
const SEEDS = 20;
const SEEDS_QUICK = 2;
const MINUTE = 60_000;
const FOREVER_MS = 100 * 365 * 86_400_000;
/** Standard deviation of the logarithms of durations, and of estimates around them. */
const SPREAD = { duration: 0.7, estimate: 0.5 } as const;
const EFFICIENCY_MIN = 0.92;
/** How often optimize_load is called. */
const EVERY_MS = 10 * MINUTE;

type Way = "pulled" | "kept in turn" | "kept in turn, evened out";

export const load: Benchmark = {
  name: "load",
  title: "Load-balancing efficiency of 20 agents, in virtual time",
  async run(bench: Bench): Promise<Outcome> {
    const seeds = bench.quick ? SEEDS_QUICK : SEEDS;
    const found = new Map<Way, number[]>();
    for (const way of ["pulled", "kept in turn", "kept in turn, evened out"] as const) {
      bench.say(way);
      const each: number[] = [];
      for (let seed = 1; seed <= seeds; seed++) each.push(await efficiencyOf(bench, way, seed));
      found.set(way, each);
    }
    const kept = mean(found.get("kept in turn") ?? []);
    return {
      lines: [...found].map(([way, each]) => lineOf(way, each, kept)),
      notes: NOTES,
      detail: Object.fromEntries(found),
    };
  },
};

const NOTES = [
  "Efficiency: time at work over the time of all agents until the last task has ended. Each agent claims through the engine on SQLite; a task takes its drawn time of a clock that jumps to the next end.",
  `400 tasks that depend on nothing, times log-normal (spread ${SPREAD.duration}), estimates around them (spread ${SPREAD.estimate}). Kept in turn: each task is reserved for one agent from the start. Evened out: optimize_load every 10 minutes.`,
];

function lineOf(way: Way, each: readonly number[], kept: number): Line {
  const value = mean(each);
  const line = { what: `${way}: mean of ${each.length}, spread ${spread(each).toFixed(3)}`, value, unit: "" };
  if (way === "kept in turn") return line;
  const peer = { name: "kept in turn", value: kept };
  return { ...line, peer, ratio: value / kept, target: { of: "value", at: "least", limit: EFFICIENCY_MIN } };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function spread(values: readonly number[]): number {
  return Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
}

/** Normal, by Box and Muller (1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

interface Stint {
  readonly agent: string;
  readonly held: Held;
  readonly endsAt: number;
}

let files = 0;

async function efficiencyOf({ directory }: Bench, way: Way, seed: number): Promise<number> {
  const random = seededRandom(seed);
  const clock = new ManualClock();
  const long = { lease_ms: FOREVER_MS, session_ttl_ms: FOREVER_MS, task_timeout_ms: FOREVER_MS };
  const settings = { ...defaultSettings, ...long, reservation_ms: FOREVER_MS };
  const runtime = { clock, random, ids: sortableIds(random) };
  files += 1;
  const handle = await EngineHandle.onSqlite(path.join(directory, `load-${files}.db`), "NORMAL", { runtime, settings });
  const times = new Map<string, number>();
  const steps = Array.from({ length: TASKS }, (_, at) => {
    const ms = Math.round(10 * MINUTE * Math.exp(SPREAD.duration * normal(random)));
    times.set(`t${at}`, ms);
    return { key: `t${at}`, prompt: "p", estimate_ms: Math.round(ms * Math.exp(SPREAD.estimate * normal(random))) };
  });
  const { run } = await handle.start(await handle.project(), planOf({ name: "load", steps }));
  for (const name of AGENTS) await handle.transact((ctx) => registerAgent(ctx, { name }));
  if (way !== "pulled") await keepInTurn(handle, run.id);
  const shift = { run: run.id, times, clock, evens: way === "kept in turn, evened out" };
  const makespan = await worked(handle, shift);
  await handle.close();
  const work = [...times.values()].reduce((sum, ms) => sum + ms, 0);
  return work / (AGENTS.length * makespan);
}

async function keepInTurn(handle: EngineHandle, run: string): Promise<void> {
  const { tasks } = await handle.read(() => graphOfRun(run));
  for (const [at, { id }] of tasks.entries()) {
    const agent = AGENTS[at % AGENTS.length] ?? "";
    await handle.transact((ctx) => assignTask(ctx, { task: id, agent }));
  }
}

interface Shift {
  readonly run: string;
  readonly times: ReadonlyMap<string, number>;
  readonly clock: ManualClock;
  /** Whether optimize_load is called. */
  readonly evens: boolean;
}

/** Works the run off, and returns how long that took. */
async function worked(handle: EngineHandle, { run, times, clock, evens }: Shift): Promise<number> {
  const startedAt = clock.now();
  const running: Stint[] = [];
  let evenedAt = 0;
  let done = 0;
  while (done < times.size) {
    if (evens && clock.now() >= evenedAt + EVERY_MS) {
      await evenOut(handle, run);
      evenedAt = clock.now();
    }
    const busy = new Set(running.map(({ agent }) => agent));
    for (const agent of AGENTS.filter((name) => !busy.has(name))) {
      const claim = await handle.ask(agent, { run });
      if (claim.outcome === "none") continue;
      const ms = times.get(claim.brief.task.key) ?? 0;
      running.push({ agent, held: held(claim.brief), endsAt: clock.now() + ms });
    }
    running.sort((a, b) => a.endsAt - b.endsAt);
    const next = running.shift();
    if (!next) throw new Error("work is left that no agent takes");
    clock.advance(next.endsAt - clock.now());
    await handle.complete(next.held);
    done += 1;
  }
  return clock.now() - startedAt;
}

async function evenOut(handle: EngineHandle, run: string): Promise<void> {
  const { moves } = await handle.read((ctx) => planLoad(ctx, { run }));
  for (const move of moves) await handle.transact((ctx) => moveReservation(ctx, move));
}
