import { statSync } from "node:fs";
import path from "node:path";
import { type Bench, type Benchmark, type Outcome } from "../harness/benchmark.js";
import { EngineHandle } from "../harness/engine-handle.js";
import { sendOut } from "../harness/errand.js";
import { layered, RUN_TASKS_MAX } from "../loads/plans.js";

const RUNS = 10;
const WIDTH = 100;
const FEW = 1_000;
const CLAIMED = 300;

export const memory: Benchmark = {
  name: "memory",
  title: `What ${RUNS * RUN_TASKS_MAX} tasks occupy`,
  async run(bench: Bench): Promise<Outcome> {
    const few = await occupied(bench, "few", { runs: 1, tasks: FEW });
    const many = await occupied(bench, "many", { runs: RUNS, tasks: RUN_TASKS_MAX });
    return {
      lines: [
        { what: "file", value: many.fileMb, unit: "MB" },
        {
          what: `process that worked off ${CLAIMED} of them (RSS)`,
          value: many.rssMb,
          unit: "MB",
          peer: { name: `${FEW} tasks`, value: few.rssMb },
          ratio: many.rssMb / few.rssMb,
        },
      ],
      notes: ["Tasks as they are created, with three dependencies each; work adds an attempt and events to each."],
    };
  },
};

async function occupied(
  { directory }: Bench,
  name: string,
  { runs, tasks }: { runs: number; tasks: number },
): Promise<{ fileMb: number; rssMb: number }> {
  const file = path.join(directory, `${name}.db`);
  const handle = await EngineHandle.onSqlite(file, "NORMAL");
  const project = await handle.project();
  const plan = layered(tasks, WIDTH);
  for (let run = 0; run < runs; run++) await handle.start(project, plan);
  await handle.close();
  const fileMb = statSync(file).size / 2 ** 20;
  const errand = {
    by: "engine",
    file,
    synchronous: "NORMAL",
    project: project.id,
    agent: "ann",
    forMs: 60_000,
    tasks: CLAIMED,
    warmUp: 0,
  } as const;
  const [report] = await sendOut([errand]);
  if (report?.done !== CLAIMED) throw new Error(`${report?.done ?? 0} of ${CLAIMED} tasks were done`);
  return { fileMb, rssMb: report.rssMb };
}
