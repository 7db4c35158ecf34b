import { mkdtempSync } from "node:fs";
import path from "node:path";
import { logPagesPer } from "../../test/support/log-pages.js";
import type { Parsed } from "../../src/engine/definitions/definition.js";
import { type Bench, type Benchmark, isMissed, type Line, type Outcome } from "../harness/benchmark.js";
import { EngineHandle, type Synchronous } from "../harness/engine-handle.js";
import { PlainJobQueue } from "../peers/plainjob.js";
import { RawQueue } from "../peers/raw-sqlite.js";
import { filed, independent } from "../loads/plans.js";
import { type Profile, selfTimes, StatementLedger } from "../harness/profile.js";
import { type Contestant, figuresOf, interleave, median, medianRatio, perSecond } from "../harness/rounds.js";

const ROUNDS = 12;
/** As many as a server that has worked for a while: V8 goes on compiling what is called often until about then. */
const WARM_UP = 2_500;
/** Pairs of a round: a round is long enough to be timed and short enough to share its moment with the others'. */
const PAIRS: Readonly<Record<Synchronous, number>> = { FULL: 300, NORMAL: 600 };
const PROFILED_PAIRS = 2_000;
const LOGGED_PAIRS = 60;
const AGENT = "ann";

const LEAST: Readonly<Record<Synchronous, { plain: number; file: number }>> = {
  FULL: { plain: 0.58, file: 0.43 },
  NORMAL: { plain: 0.18, file: 0.12 },
};
/** Pages of the log that a claim and a completion write. */
const LOG_PAGES_MAX = { plain: 14, file: 24 } as const;

export const sqlite: Benchmark = {
  name: "sqlite",
  title: "Claim and completion at the engine on SQLite, one process",
  async run(bench: Bench): Promise<Outcome> {
    const full = await measure(bench, "FULL");
    const normal = await measure(bench, "NORMAL");
    const lines = [
      ...full.lines,
      ...normal.lines,
      await logPagesLine(bench, "plain"),
      await logPagesLine(bench, "file"),
    ];
    const profiles: Profile[] = [];
    for (const [synchronous, { lines: some }] of [["FULL", full] as const, ["NORMAL", normal] as const]) {
      if (some[0] && isMissed(some[0])) profiles.push(await profile(bench, synchronous, false));
      if (some[1] && isMissed(some[1])) profiles.push(await profile(bench, synchronous, true));
    }
    return {
      lines,
      profiles,
      notes: [
        "Tasks a second through claimTask and completeTask, two durable commits each, claimed by project from a run of 10,000.",
        "raw: better-sqlite3 by hand with the same two commits (an UPDATE and an event each), without graph, lanes, counters, attempts or locks.",
        "plainjob: its own worker's calls, two commits; a plain queue. Both peers also lack the file locks of the second line of each setting.",
      ],
      detail: { full: full.rounds, normal: normal.rounds },
    };
  },
};

interface Measured {
  readonly lines: readonly Line[];
  readonly rounds: Readonly<Record<string, readonly number[]>>;
}

async function measure(bench: Bench, synchronous: Synchronous): Promise<Measured> {
  const rounds = bench.quick ? 5 : ROUNDS;
  const pairs = PAIRS[synchronous];
  const tasks = WARM_UP + rounds * pairs;
  bench.say(`${synchronous}: ${rounds} rounds of ${pairs} tasks, four contestants`);
  const file = (name: string): string => path.join(bench.directory, `${synchronous}-${name}.db`);
  const plain = await engine(file("plain"), synchronous, independent(tasks));
  const withFile = await engine(file("file"), synchronous, filed(tasks));
  const raw = new RawQueue(file("raw"), synchronous);
  const plainjob = new PlainJobQueue(file("plainjob"), synchronous);
  raw.fill(tasks);
  plainjob.fill(tasks);
  const contestants = [
    contesting("plain", pairs, plain.pair),
    contesting("file", pairs, withFile.pair),
    contesting("raw", pairs, async () => raw.claimAndComplete(AGENT)),
    contesting("plainjob", pairs, async () => plainjob.takeAndFinish()),
  ];
  for (const contestant of contestants) await contestant.warmUp();
  const all = await interleave(contestants, rounds);
  await plain.handle.close();
  await withFile.handle.close();
  raw.close();
  plainjob.close();
  return {
    lines: [
      beside({ all, name: "plain", peer: "raw", what: `${synchronous}: tasks/s`, least: LEAST[synchronous].plain }),
      beside({
        all,
        name: "file",
        peer: "raw",
        what: `${synchronous}: with a file each`,
        least: LEAST[synchronous].file,
      }),
      beside({ all, name: "plain", peer: "plainjob", what: `${synchronous}: tasks/s` }),
    ],
    rounds: Object.fromEntries(all),
  };
}

interface Beside {
  readonly all: ReadonlyMap<string, readonly number[]>;
  readonly name: string;
  readonly peer: string;
  readonly what: string;
  readonly least?: number;
}

function beside({ all, name, peer, what, least }: Beside): Line {
  const [ours, theirs] = [figuresOf(all, name), figuresOf(all, peer)];
  return {
    what,
    value: median(ours),
    unit: "tasks/s",
    peer: { name: peer, value: median(theirs) },
    ratio: medianRatio(ours, theirs),
    ...(least === undefined ? {} : { target: { of: "ratio", at: "least", limit: least } }),
  };
}

function contesting(name: string, pairs: number, pair: () => Promise<void>): Contestant & { warmUp(): Promise<void> } {
  return { name, round: () => perSecond(pairs, () => repeated(pairs, pair)), warmUp: () => repeated(WARM_UP, pair) };
}

async function engine(
  file: string,
  synchronous: Synchronous,
  plan: Parsed,
): Promise<{ handle: EngineHandle; pair: () => Promise<void> }> {
  const handle = await EngineHandle.onSqlite(file, synchronous);
  const project = await handle.project();
  await handle.start(project, plan);
  return { handle, pair: () => handle.claimAndComplete(AGENT, { project: project.id }) };
}

/** Where the time of a pair goes: by function, then by statement, and how much of the log it fills. */
async function profile(bench: Bench, synchronous: Synchronous, withFile: boolean): Promise<Profile> {
  const of = `claim and completion at ${synchronous}${withFile ? ", a file each" : ""}`;
  bench.say(`profile of ${of}`);
  const file = path.join(bench.directory, `profile-${synchronous}-${String(withFile)}.db`);
  const plan = (withFile ? filed : independent)(WARM_UP + 3 * PROFILED_PAIRS + LOGGED_PAIRS);
  const { handle, pair } = await engine(file, synchronous, plan);
  const many = (count: number): Promise<void> => repeated(count, pair);
  await many(WARM_UP);
  const unitUs = 1e6 / (await perSecond(PROFILED_PAIRS, () => many(PROFILED_PAIRS)));
  const functions = await selfTimes(PROFILED_PAIRS, () => many(PROFILED_PAIRS));
  const ledger = new StatementLedger();
  handle.watch = ledger.watch;
  await many(PROFILED_PAIRS);
  await handle.close();
  const logPages = { engine: await logPagesOfEngine(file, synchronous), raw: logPagesOfRaw(bench) };
  return { of, unitUs, functions, statements: ledger.shares(PROFILED_PAIRS), logPages };
}

async function logPagesLine(bench: Bench, kind: keyof typeof LOG_PAGES_MAX): Promise<Line> {
  const file = path.join(bench.directory, `pages-${kind}.db`);
  const { handle } = await engine(file, "NORMAL", (kind === "plain" ? independent : filed)(2 * LOGGED_PAIRS));
  await handle.close();
  return {
    what: `pages of the log a pair, ${kind === "plain" ? "plain" : "a file each"}`,
    value: await logPagesOfEngine(file, "NORMAL"),
    unit: "",
    peer: { name: "raw", value: logPagesOfRaw(bench) },
    target: { of: "value", at: "most", limit: LOG_PAGES_MAX[kind] },
  };
}

async function logPagesOfEngine(file: string, synchronous: Synchronous): Promise<number> {
  const handle = await EngineHandle.onSqlite(file, synchronous);
  const project = await handle.project();
  await repeated(LOGGED_PAIRS, () => handle.claimAndComplete(AGENT, { project: project.id }));
  const pages = logPagesPer(LOGGED_PAIRS, file);
  await handle.close();
  return pages;
}

function logPagesOfRaw({ directory }: Bench): number {
  const file = path.join(mkdtempSync(path.join(directory, "raw-")), "raw.db");
  const filled = new RawQueue(file, "NORMAL");
  filled.fill(WARM_UP + PROFILED_PAIRS);
  filled.close();
  const raw = new RawQueue(file, "NORMAL");
  for (let n = 0; n < LOGGED_PAIRS; n++) raw.claimAndComplete(AGENT);
  const pages = logPagesPer(LOGGED_PAIRS, file);
  raw.close();
  return pages;
}

async function repeated(count: number, pair: () => Promise<void>): Promise<void> {
  for (let n = 0; n < count; n++) await pair();
}
