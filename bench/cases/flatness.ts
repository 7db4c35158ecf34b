import { statSync } from "node:fs";
import path from "node:path";
import { acquireFileLock, releaseFileLock } from "../../src/engine/locks/locks.js";
import type { Project } from "../../src/engine/projects/projects.js";
import { reportProgress } from "../../src/engine/tasks/tasks.js";
import { type Bench, type Benchmark, type Line, type Outcome } from "../harness/benchmark.js";
import { EngineHandle, held } from "../harness/engine-handle.js";
import { DEMANDS, fill, HUNDRED, HUNDRED_THOUSAND, MILLION, tasksIn, workerOf } from "../loads/mixture.js";
import { writesFile } from "../loads/plans.js";
import { median, percentile, timed } from "../harness/rounds.js";

const ROUNDS = 30;
const RATIO_MAX = { median: 1.35, p95: 1.3 } as const;

const OPERATIONS = [
  "claim",
  "claim with a file",
  "heartbeat",
  "lock",
  "unlock",
  "complete",
  "complete with a file",
] as const;
type Operation = (typeof OPERATIONS)[number];
/** Durations of each call of an operation, in ms. */
type Samples = Record<Operation, number[]>;

export const flatness: Benchmark = {
  name: "flatness",
  title: "The same with 100 and with 1,000,000 stored tasks, on SQLite at NORMAL",
  async run(bench: Bench): Promise<Outcome> {
    const mixture = bench.quick ? HUNDRED_THOUSAND : MILLION;
    const file = path.join(bench.directory, "many.db");
    const many = await EngineHandle.onSqlite(file, "NORMAL");
    const { ms: fillMs, result: project } = await timed(() => fill(many, mixture, bench.say));
    bench.say(`${ROUNDS} rounds of ${DEMANDS} agents on each`);
    const large: Samples[] = [];
    const small: Samples[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const turns = [
        async () => large.push(await roundOn(many, project)),
        async () => small.push(await freshRound(bench, round)),
      ];
      for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
    }
    await many.close();
    const tasks = tasksIn(mixture);
    return {
      lines: OPERATIONS.flatMap((operation) => linesOf(operation, large, small)),
      notes: [
        `${tasks} tasks made by the engine's own functions in ${Math.round(fillMs / 1_000)} s: ${mixture.finished.runs} finished runs, ${mixture.paused.runs} paused, ${mixture.open.runs} open, ${DEMANDS} demands; the file has ${megabytes(file)} MB.`,
        `Beside it a new database of 100 tasks and as many demands for each round. NORMAL, so that waiting for the disk hides nothing.`,
        "Each round: every demand's agent claims, reports, completes; another locks and unlocks a file. The first pass of a round is not counted.",
      ],
    };
  },
};

function linesOf(operation: Operation, large: readonly Samples[], small: readonly Samples[]): Line[] {
  const line = (
    name: keyof typeof RATIO_MAX,
    figure: (samples: readonly number[]) => number,
  ): Omit<Line, "ratio" | "peer" | "target"> & Line => {
    const [many, few] = [large, small].map((rounds) => rounds.map((samples) => figure(samples[operation])));
    const pairs = (many ?? []).map((value, round) => value / (few?.[round] ?? Number.NaN));
    return {
      what: `${operation}, ${name}`,
      value: median(many ?? []) * 1_000,
      unit: "µs",
      peer: { name: "100 tasks", value: median(few ?? []) * 1_000 },
      ratio: median(pairs),
      ...(operation.startsWith("claim") ? { target: { of: "ratio", at: "most", limit: RATIO_MAX[name] } } : {}),
    };
  };
  return [line("median", median), line("p95", (samples) => percentile(samples, 0.95))];
}

async function freshRound({ directory }: Bench, round: number): Promise<Samples> {
  const handle = await EngineHandle.onSqlite(path.join(directory, `few-${round}.db`), "NORMAL");
  const project = await fill(handle, HUNDRED, () => undefined);
  const samples = await roundOn(handle, project);
  await handle.close();
  return samples;
}

async function roundOn(handle: EngineHandle, project: Project): Promise<Samples> {
  await pass(handle, project);
  return pass(handle, project);
}

/** Every demand's agent does one task. */
async function pass(handle: EngineHandle, project: Project): Promise<Samples> {
  const samples: Samples = {
    claim: [],
    "claim with a file": [],
    heartbeat: [],
    lock: [],
    unlock: [],
    complete: [],
    "complete with a file": [],
  };
  const measured = async <T>(operation: Operation, work: () => Promise<T>): Promise<T> => {
    const { ms, result } = await timed(work);
    samples[operation].push(ms);
    return result;
  };
  const lock = { project: project.id, agent: "locker", paths: ["notes/today.md"] };
  for (let demand = 0; demand < DEMANDS; demand++) {
    const [claim, complete] = writesFile(demand)
      ? (["claim with a file", "complete with a file"] as const)
      : (["claim", "complete"] as const);
    const brief = await measured(claim, () => handle.claim(workerOf(demand), { project: project.id }));
    await measured("heartbeat", () => handle.transact((ctx) => reportProgress(ctx, held(brief))));
    await measured("lock", () =>
      handle.transact((ctx) =>
        acquireFileLock(ctx, { ...lock, mode: "exclusive", ttlMs: 60_000, wait: { kind: "none" } }),
      ),
    );
    await measured("unlock", () => handle.transact((ctx) => releaseFileLock(ctx, lock)));
    await measured(complete, () => handle.complete(held(brief)));
  }
  return samples;
}

function megabytes(file: string): number {
  return Math.round(statSync(file).size / 2 ** 20);
}
