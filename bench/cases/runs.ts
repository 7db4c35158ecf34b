import path from "node:path";
import { getRun } from "../../src/engine/runs/runs.js";
import { overviewView } from "../../src/engine/runs/views.js";
import type { Bench, Benchmark, Outcome } from "../harness/benchmark.js";
import { EngineHandle, held } from "../harness/engine-handle.js";
import { fan, layered, RUN_TASKS_MAX } from "../loads/plans.js";
import { StatementLedger } from "../harness/profile.js";
import { median, timed } from "../harness/rounds.js";

const ROUNDS = 7;
const READS = 50;
const WIDTH = 100;
const DEPENDENTS = 1_000;
const FEW = 100;

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
    return {
      lines: [
        { what: `parsing a definition of ${RUN_TASKS_MAX} steps`, value: median(parsing), unit: "ms" },
        { what: `creating its run, one transaction`, value: median(creating), unit: "ms" },
        { what: "statements of that", value: ledger.statements, unit: "" },
        {
          what: `get_run on ${RUN_TASKS_MAX} tasks`,
          value: median(reading),
          unit: "ms",
          peer: { name: `${FEW} tasks`, value: median(readingFew) },
          ratio: median(reading) / median(readingFew),
        },
        { what: `completing a task with ${DEPENDENTS} dependents`, value: median(completing), unit: "ms" },
      ],
      notes: [`The run has ${RUN_TASKS_MAX / WIDTH} layers of ${WIDTH}, three dependencies a task.`],
      detail: { parsing, creating, completing },
    };
  },
};

function overview(handle: EngineHandle, run: string) {
  return handle.read(function* () {
    return overviewView(yield* getRun(run));
  });
}
