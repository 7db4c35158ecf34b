import path from "node:path";
import { BRIEF_TOKENS, getBrief } from "../../src/engine/briefs/briefs.js";
import type { EngineContext } from "../../src/engine/context.js";
import { appendEvents } from "../../src/store/events/events.js";
import type { Bench, Benchmark, Line } from "../harness/benchmark.js";
import { EngineHandle, held } from "../harness/engine-handle.js";
import { startDurablePostgres } from "../harness/postgres.js";
import { median, percentile, timed } from "../harness/rounds.js";
import { filed, RUN_TASKS_MAX } from "../loads/plans.js";

const MS_MAX = 50;
const EVENTS = 100_000;
const ROUNDS = 30;
const AT_ONCE = 500;

export const briefs: Benchmark = {
  name: "briefs",
  title: `A brief of ${BRIEF_TOKENS.default} tokens about a large run`,
  async run(bench: Bench) {
    const server = await startDurablePostgres();
    try {
      const file = path.join(bench.directory, "large.db");
      const onSqlite = await duration("SQLite", await EngineHandle.onSqlite(file, "NORMAL"), bench);
      const onPostgres = await duration("PostgreSQL", await EngineHandle.onPostgres(server.url, 4), bench);
      return {
        lines: [...onSqlite, ...onPostgres],
        notes: [
          `A run of ${RUN_TASKS_MAX} tasks with ${EVENTS} events, half of the tasks done. What briefs answer is measured by test/engine/briefs/recorded-runs.test.ts.`,
        ],
      };
    } finally {
      await server.stop();
    }
  },
};

async function duration(database: string, handle: EngineHandle, { quick, say }: Bench): Promise<Line[]> {
  const tasks = quick ? RUN_TASKS_MAX / 10 : RUN_TASKS_MAX;
  const events = quick ? EVENTS / 10 : EVENTS;
  const project = await handle.project();
  const { run } = await handle.start(project, filed(tasks));
  say(`${database}: ${tasks} tasks are worked off to half`);
  for (let done = 0; done < tasks / 2; done += AT_ONCE) await handle.finishMany("ann", { run: run.id }, AT_ONCE);
  const own = held(await handle.claim("ben", { run: run.id }));
  for (let written = 4 * (tasks / 2); written < events; written += AT_ONCE)
    await handle.transact((ctx) => notes(ctx, { project: project.id, run: run.id, task: own.task }));
  const subjects = { run: { run: run.id }, task: { task: own.task } };
  const lines: Line[] = [];
  for (const [what, subject] of Object.entries(subjects)) {
    const ms: number[] = [];
    for (let round = 0; round < ROUNDS; round++)
      ms.push((await timed(() => handle.read((ctx) => getBrief(ctx, subject, BRIEF_TOKENS.default)))).ms);
    for (const [name, value] of Object.entries({ median: median(ms), p95: percentile(ms, 0.95) }))
      lines.push({
        what: `brief of a ${what} on ${database}, ${name}`,
        value,
        unit: "ms",
        target: { of: "value", at: "most", limit: MS_MAX },
      });
  }
  await handle.close();
  return lines;
}

function notes(ctx: EngineContext, of: { project: string; run: string; task: string }) {
  const event = { ...of, type: "task.progress" as const, agent: "ben", data: { note: "a page more is written" } };
  return appendEvents(
    ctx,
    Array.from({ length: AT_ONCE }, () => event),
  );
}
