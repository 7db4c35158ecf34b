import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { openCheckpoint, requireCheckpoint, takeCheckpoint } from "../../src/engine/checkpoints.js";
import { forkRun } from "../../src/engine/forking.js";
import { resumeInPlace } from "../../src/engine/resuming.js";
import { seededRandom } from "../../src/runtime/random.js";
import { type Bench, type Benchmark, type Line, type Outcome } from "../benchmark.js";
import { Desk, planOf } from "../desk.js";
import { type RawCopy, rawCopyOfPostgres, rawCopyOfSqlite } from "../peers/raw-copy.js";
import { RUN_TASKS_MAX } from "../plans.js";
import { startDurablePostgres } from "../postgres.js";
import { median, medianRatio, percentile, timed } from "../rounds.js";

const ROUNDS = 15;
const WIDTH = 100;
const DONE = 3_000;
const AT_ONCE = 100;

export const checkpoints: Benchmark = {
  name: "checkpoints",
  title: `A checkpoint of ${RUN_TASKS_MAX} tasks, ${DONE} of them done`,
  async run(bench: Bench): Promise<Outcome> {
    const file = path.join(bench.directory, "checkpoints.db");
    const lines = await measured(bench, "SQLite at FULL", {
      desk: await Desk.onSqlite(file, "FULL"),
      raw: () => rawCopyOfSqlite(file),
    });
    const server = await startDurablePostgres();
    try {
      const { url } = server;
      const desk = await Desk.onPostgres(url, 4);
      lines.push(...(await measured(bench, "PostgreSQL", { desk, raw: () => rawCopyOfPostgres(url) })));
    } finally {
      await server.stop();
    }
    return {
      lines,
      notes: [
        `${RUN_TASKS_MAX / WIDTH} layers of ${WIDTH}, three dependencies a task, a prompt of forty words drawn for each.`,
        "The raw copy reads all rows at once and keeps nothing. A pause is the longest time in which the event loop did not turn, beside that of as long a time in which nothing was done.",
      ],
    };
  },
};

interface Place {
  readonly desk: Desk;
  readonly raw: () => RawCopy | Promise<RawCopy>;
}

async function measured(bench: Bench, name: string, { desk, raw }: Place): Promise<Line[]> {
  const project = await desk.project();
  const { run } = await desk.start(project, planOf({ name: "worded", steps: wordedSteps() }));
  for (let done = 0; done < DONE; done += AT_ONCE) await desk.finishMany("ann", { run: run.id }, AT_ONCE);
  const peer = await raw();
  const rounds = bench.quick ? 3 : ROUNDS;
  const all = { ms: [] as number[], raw: [] as number[], pause: [] as number[], idle: [] as number[] };
  let bytes = 0;
  let id = "";
  bench.say(`${name}: ${rounds} rounds`);
  for (let round = -2; round < rounds; round++) {
    const copied = await timed(() => peer.take(run.id));
    const taken = await withPause(() => timed(() => take(desk, run.id)));
    const idle = await withPause(() => resting(taken.result.ms));
    ({ bytes, id } = taken.result.result);
    // The first two warm up.
    if (round < 0) continue;
    all.ms.push(taken.result.ms);
    all.raw.push(copied.ms);
    all.pause.push(taken.pauseMs);
    all.idle.push(idle.pauseMs);
  }
  await peer.close();
  const opened = await timed(async () => openCheckpoint(await desk.read(() => requireCheckpoint(id))));
  const { checkpoint } = await desk.read(() => requireCheckpoint(id));
  const resuming = { checkpoint, copy: opened.result, agent: "ann" };
  await desk.finishMany("ann", { run: run.id }, AT_ONCE);
  const resumed = await timed(() => desk.transact((ctx) => resumeInPlace(ctx, resuming)));
  const forked = await timed(() => desk.transact((ctx) => forkRun(ctx, resuming)));
  await desk.close();
  return [
    {
      what: `${name}: taking it`,
      value: median(all.ms),
      unit: "ms",
      peer: { name: "raw copy", value: median(all.raw) },
      ratio: medianRatio(all.ms, all.raw),
      target: { of: "value", at: "most", limit: 150 },
    },
    { what: `${name}: the slowest of ${rounds}`, value: percentile(all.ms, 1), unit: "ms" },
    {
      what: `${name}: longest pause meanwhile, median`,
      value: median(all.pause),
      unit: "ms",
      peer: { name: "nothing done", value: median(all.idle) },
      target: { of: "value", at: "most", limit: 20 },
    },
    {
      what: `${name}: longest pause of all`,
      value: percentile(all.pause, 1),
      unit: "ms",
      peer: { name: "nothing done", value: percentile(all.idle, 1) },
    },
    { what: `${name}: size`, value: bytes, unit: "bytes" },
    { what: `${name}: reading it again`, value: opened.ms, unit: "ms" },
    { what: `${name}: resuming after ${AT_ONCE} more were done`, value: resumed.ms, unit: "ms" },
    { what: `${name}: forking`, value: forked.ms, unit: "ms" },
  ];
}

async function take(desk: Desk, run: string): Promise<{ bytes: number; id: string }> {
  const { checkpoint } = await takeCheckpoint(desk, run, { kind: "manual", label: null, by: "bench" });
  return { bytes: checkpoint.bytes, id: checkpoint.id };
}

/** The longest time in which the event loop did not turn while something was done, in ms. */
async function withPause<T>(work: () => Promise<T>): Promise<{ result: T; pauseMs: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  // The first turn sets its clock.
  await resting(5);
  delay.reset();
  const result = await work();
  await resting(5);
  delay.disable();
  return { result, pauseMs: delay.max / 1e6 };
}

function resting(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
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
