import path from "node:path";
import { Client } from "pg";
import { openCheckpoint, requireCheckpoint, takeCheckpoint } from "../../src/engine/checkpoints/checkpoints.js";
import { forkRun } from "../../src/engine/checkpoints/fork.js";
import { resumeInPlace } from "../../src/engine/checkpoints/resume.js";
import { seededRandom } from "../../src/runtime/random.js";
import { type Bench, type Benchmark, type Line, type Outcome, type Target } from "../harness/benchmark.js";
import { EngineHandle, planOf } from "../harness/engine-handle.js";
import { type RawCopy, rawCopyOfPostgres, rawCopyOfSqlite } from "../peers/raw-copy.js";
import { busyLoop, withPauses } from "../harness/pauses.js";
import { RUN_TASKS_MAX } from "../loads/plans.js";
import { startDurablePostgres } from "../harness/postgres.js";
import { median, medianRatio, percentile, timed } from "../harness/rounds.js";

const ROUNDS = 25;
const BACK_ROUNDS = 3;
const WIDTH = 100;
const DONE = 3_000;
const AT_ONCE = 100;

type Backend = "SQLite at FULL" | "PostgreSQL";
/** Milliseconds on SQLite; on PostgreSQL, which is another process, the time beside a raw copy. */
const TAKING_MAX: Readonly<Record<Backend, Target>> = {
  "SQLite at FULL": { of: "value", at: "most", limit: 150 },
  PostgreSQL: { of: "ratio", at: "most", limit: 1.15 },
};

export const checkpoints: Benchmark = {
  name: "checkpoints",
  title: `A checkpoint of ${RUN_TASKS_MAX} tasks, ${DONE} of them done`,
  async run(bench: Bench): Promise<Outcome> {
    const file = path.join(bench.directory, "checkpoints.db");
    const lines = await measured(bench, "SQLite at FULL", {
      handle: await EngineHandle.onSqlite(file, "FULL"),
      raw: () => rawCopyOfSqlite(file),
    });
    const server = await startDurablePostgres();
    try {
      const { url } = server;
      const handle = await EngineHandle.onPostgres(url, 4);
      const place = { handle, raw: () => rawCopyOfPostgres(url), vacuum: () => vacuumDatabase(url) };
      lines.push(...(await measured(bench, "PostgreSQL", place)));
    } finally {
      await server.stop();
    }
    return {
      lines,
      notes: [
        `${RUN_TASKS_MAX / WIDTH} layers of ${WIDTH}, three dependencies a task, a prompt of forty words drawn for each.`,
        "The raw copy reads all rows at once and keeps nothing. A pause is the longest time in which the event loop did not turn, beside that of a loop as long and as busy that takes no checkpoint: 4 ms of work in each turn.",
        "What of it was spent on the processor is this program's own; in the rest others had it, or the disk was waited for.",
      ],
    };
  },
};

interface Place {
  readonly handle: EngineHandle;
  readonly raw: () => RawCopy | Promise<RawCopy>;
  /** Does what autovacuum does within a minute or two. */
  readonly vacuum?: () => Promise<void>;
}

async function measured(bench: Bench, name: Backend, { handle, raw, vacuum }: Place): Promise<Line[]> {
  const project = await handle.project();
  const { run } = await handle.start(project, planOf({ name: "worded", steps: wordedSteps() }));
  for (let done = 0; done < DONE; done += AT_ONCE) await handle.finishMany("ann", { run: run.id }, AT_ONCE);
  const peer = await raw();
  const rounds = bench.quick ? 3 : ROUNDS;
  bench.say(`${name}: ${rounds} rounds`);
  const taking = { name, run: run.id, peer, rounds };
  const { lines, id } = await takenOf(handle, taking);
  if (vacuum) {
    await vacuum();
    lines.push(await vacuumedOf(handle, taking));
  }
  await peer.close();
  const gone = await goneBack(handle, { run: run.id, id, rounds: bench.quick ? 1 : BACK_ROUNDS });
  await handle.close();
  return [
    ...lines,
    { what: `${name}: reading it again`, value: median(gone.opened), unit: "ms" },
    { what: `${name}: resuming after ${AT_ONCE} more were done`, value: median(gone.resumed), unit: "ms" },
    { what: `${name}: forking`, value: median(gone.forked), unit: "ms" },
  ];
}

interface Taking {
  readonly name: Backend;
  readonly run: string;
  readonly peer: RawCopy;
  readonly rounds: number;
}

async function takenOf(
  handle: EngineHandle,
  { name, run, peer, rounds }: Taking,
): Promise<{ lines: Line[]; id: string }> {
  const all = { ms: [] as number[], raw: [] as number[], pause: [] as number[], busy: [] as number[] };
  const processor: number[] = [];
  const turns: number[] = [];
  let last = { bytes: 0, id: "" };
  for (let round = -2; round < rounds; round++) {
    const copied = await timed(() => peer.take(run));
    const before = process.cpuUsage();
    const taken = await timed(() => take(handle, run));
    const { user, system } = process.cpuUsage(before);
    // Another one, because looking at every turn takes its time too.
    const watched = await withPauses(() => take(handle, run));
    const busy = await withPauses(() => busyLoop(taken.ms));
    last = taken.result;
    // The first two warm up.
    if (round < 0) continue;
    all.ms.push(taken.ms);
    processor.push((user + system) / 1e3);
    all.raw.push(copied.ms);
    all.pause.push(watched.longestMs);
    all.busy.push(busy.longestMs);
    if (watched.processorMs !== undefined) turns.push(watched.processorMs);
  }
  const pause = (share: number, what: string): Line => ({
    what: `${name}: longest pause meanwhile, ${what}`,
    value: percentile(all.pause, share),
    unit: "ms",
    peer: { name: "a loop as busy", value: percentile(all.busy, share) },
  });
  const turn = (share: number, what: string): Line => ({
    what: `${name}: of that on the processor, ${what}`,
    value: percentile(turns, share),
    unit: "ms",
  });
  return {
    id: last.id,
    lines: [
      {
        what: `${name}: taking it`,
        value: median(all.ms),
        unit: "ms",
        peer: { name: "raw copy", value: median(all.raw) },
        ratio: medianRatio(all.ms, all.raw),
        target: TAKING_MAX[name],
      },
      { what: `${name}: the slowest of ${rounds}`, value: percentile(all.ms, 1), unit: "ms" },
      { what: `${name}: processor time of this process`, value: median(processor), unit: "ms" },
      { ...pause(0.5, "median"), target: { of: "value", at: "most", limit: 20 } },
      pause(1, `the worst of ${rounds}`),
      ...(turns.length === 0 ? [] : [turn(0.5, "median"), turn(1, `the worst of ${rounds}`)]),
      { what: `${name}: size`, value: last.bytes, unit: "bytes" },
    ],
  };
}

/** The same once the rows just written have been vacuumed and analysed: an index then answers without their table. */
async function vacuumedOf(handle: EngineHandle, { name, run, peer, rounds }: Taking): Promise<Line> {
  const all = { ms: [] as number[], raw: [] as number[] };
  for (let round = -2; round < rounds; round++) {
    const copied = await timed(() => peer.take(run));
    const taken = await timed(() => take(handle, run));
    if (round < 0) continue;
    all.ms.push(taken.ms);
    all.raw.push(copied.ms);
  }
  return {
    what: `${name}: taking it, vacuumed`,
    value: median(all.ms),
    unit: "ms",
    peer: { name: "raw copy", value: median(all.raw) },
    ratio: medianRatio(all.ms, all.raw),
  };
}

async function vacuumDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query("VACUUM ANALYZE");
  await client.end();
}

interface Back {
  readonly opened: number[];
  readonly resumed: number[];
  readonly forked: number[];
}

/** Goes back to a checkpoint after some more was done, and forks from it. */
async function goneBack(
  handle: EngineHandle,
  { run, id, rounds }: { run: string; id: string; rounds: number },
): Promise<Back> {
  const gone: Back = { opened: [], resumed: [], forked: [] };
  for (let round = 0; round < rounds; round++) {
    await handle.finishMany("ann", { run }, AT_ONCE);
    const stored = await handle.read(() => requireCheckpoint(id));
    const opened = await timed(() => openCheckpoint(stored));
    const resuming = { checkpoint: stored.checkpoint, snapshot: opened.result, agent: "ann" };
    gone.opened.push(opened.ms);
    gone.resumed.push((await timed(() => handle.transact((ctx) => resumeInPlace(ctx, resuming)))).ms);
    gone.forked.push((await timed(() => handle.transact((ctx) => forkRun(ctx, resuming)))).ms);
  }
  return gone;
}

async function take(handle: EngineHandle, run: string): Promise<{ bytes: number; id: string }> {
  const { checkpoint } = await takeCheckpoint(handle, run, { kind: "manual", label: null, by: "bench" });
  return { bytes: checkpoint.bytes, id: checkpoint.id };
}

const WORDS =
  "page module write tests for the and parser of lexer that store query with claim when agent file lock index read to a in plan".split(
    " ",
  );

/** Layers, as `layered` makes them, each step with a prompt of its own. */
function wordedSteps(): Record<string, unknown>[] {
  const random = seededRandom(1);
  const word = (): string => WORDS[Math.floor(random.next() * WORDS.length)] ?? "";
  return Array.from({ length: RUN_TASKS_MAX }, (_, n) => {
    const prompt = Array.from({ length: 40 }, word).join(" ");
    if (n < WIDTH) return { key: `t${n}`, prompt };
    const above = Math.floor(n / WIDTH) * WIDTH - WIDTH;
    const columns = [0, 1, WIDTH - 1].map((by) => ((n % WIDTH) + by) % WIDTH);
    return { key: `t${n}`, prompt, needs: columns.map((column) => `t${above + column}`) };
  });
}
