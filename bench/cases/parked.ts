import path from "node:path";
import { acquireFileLock } from "../../src/engine/locks/locks.js";
import type { Project } from "../../src/engine/projects/projects.js";
import { type Bench, type Benchmark, type Line, type Outcome } from "../harness/benchmark.js";
import { EngineHandle, held } from "../harness/engine-handle.js";
import type { Parsed } from "../../src/engine/definitions/definition.js";
import { filed, onOneFile, RUN_TASKS_MAX, under } from "../loads/plans.js";
import { StatementLedger } from "../harness/profile.js";
import { median, timed } from "../harness/rounds.js";

const RUNS = 2;
const FREE_TASKS = 300;
const CLAIMS = 100;
const AGENT = "ann";

/** 20,000 tasks held up by another agent's lock, and a few behind them that are free. */
export const parked: Benchmark = {
  name: "parked",
  title: `${RUNS * RUN_TASKS_MAX} tasks behind one lock, on SQLite at NORMAL`,
  async run(bench: Bench): Promise<Outcome> {
    const free = await behind(bench, "free", undefined);
    const oneFile = await behind(bench, "one-file", {
      plan: onOneFile(RUN_TASKS_MAX, "held/page.md"),
      locked: "held/page.md",
    });
    const directory = await behind(bench, "directory", { plan: under(RUN_TASKS_MAX, "held"), locked: "held/" });
    const lines = (what: string, { first, following }: Looked): Line[] => [
      { what: `${what}: first claim`, value: first.ms, unit: "ms" },
      { what: `${what}: statements of the first claim`, value: first.statements, unit: "" },
      { what: `${what}: transactions of the first claim`, value: first.transactions, unit: "" },
      {
        what: `${what}: each claim after it`,
        value: following,
        unit: "ms",
        peer: { name: "nothing held", value: free.following },
        ratio: following / free.following,
      },
    ];
    return {
      lines: [...lines("one file", oneFile), ...lines("a file each, their directory held", directory)],
      notes: [
        "The first claim sets aside what is held, a whole set of files at once, and goes on to the first free task. Looking head by head it took 1.95 s and 80,010 statements in a prototype of the same case.",
      ],
    };
  },
};

interface Looked {
  readonly first: { readonly ms: number; readonly statements: number; readonly transactions: number };
  /** Median ms. */
  readonly following: number;
}

async function behind(
  { directory, say }: Bench,
  name: string,
  held20k: { readonly plan: Parsed; readonly locked: string } | undefined,
): Promise<Looked> {
  say(name);
  const handle = await EngineHandle.onSqlite(path.join(directory, `${name}.db`), "NORMAL");
  const project = await handle.project();
  if (held20k !== undefined) {
    await lock(handle, project, held20k.locked);
    for (let run = 0; run < RUNS; run++) await handle.start(project, held20k.plan);
  }
  await handle.start(project, filed(FREE_TASKS));
  const ledger = new StatementLedger();
  handle.watch = ledger.watch;
  const first = await timed(() => handle.claim(AGENT, { project: project.id }));
  handle.watch = undefined;
  await handle.complete(held(first.result));
  const following: number[] = [];
  for (let n = 0; n < CLAIMS; n++) {
    const { ms, result } = await timed(() => handle.claim(AGENT, { project: project.id }));
    following.push(ms);
    await handle.complete(held(result));
  }
  await handle.close();
  return {
    first: { ms: first.ms, statements: ledger.statements, transactions: ledger.transactions },
    following: median(following),
  };
}

async function lock(handle: EngineHandle, project: Project, locked: string): Promise<void> {
  const request = {
    project: project.id,
    agent: "holder",
    paths: [locked],
    mode: "exclusive",
    ttlMs: 3_600_000,
  } as const;
  const { outcome } = await handle.transact((ctx) => acquireFileLock(ctx, { ...request, wait: { kind: "none" } }));
  if (outcome !== "granted") throw new Error(`${locked} was not locked: ${outcome}`);
}
