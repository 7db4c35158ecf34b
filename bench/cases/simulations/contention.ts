import path from "node:path";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import { registerAgent } from "../../../src/engine/agents/agents.js";
import { analyse } from "../../../src/engine/definitions/analysis.js";
import { serialWork } from "../../../src/engine/workflows/serial-work.js";
import { ManualClock } from "../../../src/runtime/clock.js";
import { sortableIds } from "../../../src/runtime/ids.js";
import { seededRandom } from "../../../src/runtime/random.js";
import type { Bench, Benchmark, Line, Outcome } from "../../harness/benchmark.js";
import { EngineHandle, planOf } from "../../harness/engine-handle.js";
import { Contention, exclusiveIn, type Result, type Way, WAYS } from "../../loads/contention.js";
import { type Change, changesOf, RECORDED, type RecordedName } from "../../loads/edits.js";

const AGENTS = Array.from({ length: 20 }, (_, at) => `agent-${at + 1}`);
const SEEDS = 3;
const FOREVER_MS = 100 * 365 * 86_400_000;
const AIMS: Readonly<Partial<Record<Way, number>>> = { "exclusive, late": 12, intent: 17, worktrees: 17 };

export const contention: Benchmark = {
  name: "contention",
  title: "Effective agents of 20 at the files of recorded repositories, in virtual time",
  async run(bench: Bench): Promise<Outcome> {
    const lines: Line[] = [];
    const detail: Record<string, readonly Result[]> = {};
    for (const name of RECORDED)
      for (const way of WAYS) {
        const what = `${name}, ${way}`;
        bench.say(what);
        const results: Result[] = [];
        for (let seed = 1; seed <= (bench.quick ? 1 : SEEDS); seed++)
          results.push(await worked(bench, { name, way, seed }));
        detail[what] = results;
        lines.push(lineOf(what, results, AIMS[way]));
      }
    return { lines, notes: NOTES, detail };
  },
};

const NOTES = [
  "Effective agents: the time that one agent would take for what 20 have done, over theirs, until the last change was claimed. The changes are the last 300 commits of this repository and of vitejs/vite (bench/data): which files, where in them, how long after the author's last.",
  "A change reads (40 % of its time), edits its files (40 %, by lines), tries out (20 %). Claims and locks are the engine's, on SQLite. exclusive: all files are locked with the claim. late: files that validate_workflow calls bottlenecks are locked for their edit alone. in order: the same files, locked after a claim that goes by the order of the run alone, so that its agent waits for them.",
  "Rework: an edit in the place of another's is made again and the change tried out once more (with intents only edits at the same time, with worktrees all that were merged since the claim); 10 % of those that merge break and are mended; with nothing, an agent drops half of the edits made since it read.",
];

function lineOf(what: string, results: readonly Result[], aim: number | undefined): Line {
  const mean = (of: (one: Result) => number) => results.reduce((sum, one) => sum + of(one), 0) / results.length;
  const share = (of: (one: Result) => number) => `${Math.round(100 * mean((one) => of(one) / one.work))} %`;
  const parts = `rework ${share(({ rework }) => rework)}, waited ${share(({ waited }) => waited)}, idle ${share(({ idle }) => idle)} of the work`;
  const line = { what: `${what}: ${parts}`, value: mean(({ work, time }) => work / time), unit: "agents" };
  return aim === undefined ? line : { ...line, target: { of: "value", at: "least", limit: aim } };
}

interface Case {
  readonly name: RecordedName;
  readonly way: Way;
  readonly seed: number;
}

let files = 0;

async function worked({ directory }: Bench, { name, way, seed }: Case): Promise<Result> {
  const random = seededRandom(seed);
  const clock = new ManualClock();
  const long = { lease_ms: FOREVER_MS, session_ttl_ms: FOREVER_MS, task_timeout_ms: FOREVER_MS };
  const settings = { ...defaultSettings, ...long };
  const runtime = { clock, random, ids: sortableIds(random) };
  files += 1;
  const handle = await EngineHandle.onSqlite(path.join(directory, `contention-${files}.db`), "NORMAL", {
    runtime,
    settings,
  });
  const list = changesOf(name, seed);
  const changes = new Map(list.map((change) => [change.key, change]));
  const { declares, isLate } = exclusiveIn(way);
  const late = isLate ? bottlenecksOf(list) : new Set<string>();
  const { run } = await handle.start(await handle.project(), plan(list, { declares, late }));
  for (const agent of AGENTS) await handle.transact((ctx) => registerAgent(ctx, { name: agent }));
  const scene = { handle, clock, random, run: run.id, way, agents: AGENTS, changes, late };
  const result = await new Contention(scene).run();
  await handle.close();
  return result;
}

function plan(changes: readonly Change[], { declares, late }: { declares: boolean; late: ReadonlySet<string> }) {
  const steps = changes.map(({ key, ms, edits }) => {
    const write = declares ? edits.map((edit) => edit.path).filter((file) => !late.has(file)) : [];
    return { key, prompt: "p", estimate_ms: ms, files: { write } };
  });
  return planOf({ name: "contention", steps });
}

/** Follows the hints of validate_workflow until it gives none. */
function bottlenecksOf(changes: readonly Change[]): Set<string> {
  const space = { root: null, caseInsensitive: false };
  const late = new Set<string>();
  for (;;) {
    const { definition } = plan(changes, { declares: true, late });
    const bounded = { ...definition, max_parallel: AGENTS.length };
    const { bottlenecks } = serialWork(bounded, analyse(bounded, space), space);
    if (bottlenecks.length === 0) return late;
    for (const { path: file } of bottlenecks) late.add(file);
  }
}
