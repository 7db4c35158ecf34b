import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { getRun } from "../../src/engine/runs/runs.js";
import { overviewView } from "../../src/engine/runs/views.js";
import type { Bench, Benchmark, Outcome } from "../harness/benchmark.js";
import { EngineHandle, held } from "../harness/engine-handle.js";
import { sendOut } from "../harness/errand.js";
import { fan, independent, layered, RUN_TASKS_MAX } from "../loads/plans.js";
import { StatementLedger } from "../harness/profile.js";
import { median, timed } from "../harness/rounds.js";

const ROUNDS = 7;
const READS = 50;
const WIDTH = 100;
const DEPENDENTS = 1_000;
const FEW = 100;
const OTHERS_FOR_MS = 5_000;
const BETWEEN_STARTS_MS = 200;
const WAIT_MS_MAX = 250;

export const runs: Benchmark = {
  name: "runs",
  title: "Large runs, on SQLite at FULL",
  async run(bench: Bench): Promise<Outcome> {
    const handle = await EngineHandle.onSqlite(path.join(bench.directory, "runs.db"), "FULL");
    const project = await handle.project();
    const parsing: number[] = [];
    const creating: number[] = [];
    const completing: number[] = [];
    const reading: number[] = [];
    const readingFew: number[] = [];
    const ledger = new StatementLedger();
    const few = await handle.start(project, layered(FEW, FEW / 10));
    for (let round = 0; round < (bench.quick ? 2 : ROUNDS); round++) {
      const plan = await timed(async () => layered(RUN_TASKS_MAX, WIDTH));
      parsing.push(plan.ms);
      handle.watch = round === 0 ? ledger.watch : undefined;
      const created = await timed(() => handle.start(project, plan.result));
      handle.watch = undefined;
      creating.push(created.ms);
      for (let n = 0; n < READS; n++) {
        readingFew.push((await timed(() => overview(handle, few.run.id))).ms);
        reading.push((await timed(() => overview(handle, created.result.run.id))).ms);
      }
      const fanned = await handle.start(project, fan(DEPENDENTS));
      const root = await handle.claim("ann", { run: fanned.run.id });
      const completed = await timed(() => handle.complete(held(root)));
      if (completed.result.ready.length !== DEPENDENTS) throw new Error("the dependents did not become ready");
      completing.push(completed.ms);
    }
    await handle.close();
    const waiting = await othersWait(bench);
    return {
      lines: [
        { what: `parsing a definition of ${RUN_TASKS_MAX} steps`, value: median(parsing), unit: "ms" },
        { what: `creating its run, one transaction`, value: median(creating), unit: "ms" },
        { what: "statements of that", value: ledger.statements, unit: "" },
        {
          what: "slowest call of another process meanwhile",
          value: waiting.slowestMs,
          unit: "ms",
          target: { of: "value", at: "most", limit: WAIT_MS_MAX },
        },
        {
          what: `get_run on ${RUN_TASKS_MAX} tasks`,
          value: median(reading),
          unit: "ms",
          peer: { name: `${FEW} tasks`, value: median(readingFew) },
          ratio: median(reading) / median(readingFew),
        },
        { what: `completing a task with ${DEPENDENTS} dependents`, value: median(completing), unit: "ms" },
      ],
      notes: [
        `The run has ${RUN_TASKS_MAX / WIDTH} layers of ${WIDTH}, three dependencies a task; creating it includes drafting it, before the transaction.`,
        `The other process claimed and completed ${waiting.done} tasks while ${waiting.started} such runs were started.`,
      ],
      detail: { parsing, creating, completing },
    };
  },
};

/** Lets another process claim and complete while one large run after the other is started. */
async function othersWait(bench: Bench): Promise<{ slowestMs: number; done: number; started: number }> {
  const file = path.join(bench.directory, "others.db");
  const handle = await EngineHandle.onSqlite(file, "FULL");
  const project = await handle.project();
  await handle.start(project, independent(RUN_TASKS_MAX));
  const plan = layered(RUN_TASKS_MAX, WIDTH);
  const done = new AbortController();
  const work = { forMs: OTHERS_FOR_MS, tasks: RUN_TASKS_MAX / 2, warmUp: RUN_TASKS_MAX / 10 };
  const reports = sendOut([
    { by: "engine", file, synchronous: "FULL", project: project.id, agent: "other", ...work },
  ]).finally(() => done.abort());
  let started = 0;
  for (; !done.signal.aborted; started++) {
    await handle.start(project, plan);
    await pause(BETWEEN_STARTS_MS);
  }
  const [report] = await reports;
  await handle.close();
  return { slowestMs: report?.slowestMs ?? Number.NaN, done: report?.done ?? 0, started };
}

function overview(handle: EngineHandle, run: string) {
  return handle.read(function* () {
    return overviewView(yield* getRun(run));
  });
}
