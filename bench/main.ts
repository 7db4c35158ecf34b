/**
 * Measures Baton beside its peers, on the machine it runs on.
 *
 *   npm run bench [-- NAME…] [--quick] [--keep]
 *
 * Without names everything is measured, and the figures are kept under bench/results; with --keep those of the named benchmarks
 * are put into today's file. --quick measures less of everything and keeps nothing.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { argumentsOf } from "../test/support/servers/arguments.js";
import { type Benchmark, type Outcome, verdictOn } from "./harness/benchmark.js";
import { contention } from "./cases/simulations/contention.js";
import { briefs } from "./cases/briefs.js";
import { checkpoints } from "./cases/checkpoints.js";
import { context } from "./cases/texts/context.js";
import { flatness } from "./cases/flatness.js";
import { forecasts } from "./cases/simulations/forecasts.js";
import { hooks } from "./cases/hooks.js";
import { http } from "./cases/http/throughput.js";
import { waiting } from "./cases/http/waiting.js";
import { load } from "./cases/simulations/load.js";
import { makespan } from "./cases/simulations/makespan.js";
import { learning } from "./cases/learning.js";
import { memory } from "./cases/memory.js";
import { observability } from "./cases/serving/observability.js";
import { parked } from "./cases/parked.js";
import { postgres } from "./cases/postgres.js";
import { processes } from "./cases/processes.js";
import { durations } from "./cases/simulations/durations.js";
import { weights } from "./cases/simulations/weights.js";
import { recovery } from "./cases/recovery.js";
import { routing } from "./cases/simulations/routing.js";
import { runs } from "./cases/runs.js";
import { sqlite } from "./cases/sqlite.js";
import { start } from "./cases/start.js";
import { tools } from "./cases/tools.js";
import { wake } from "./cases/wake.js";
import { kindOf, type Machine, thisMachine } from "./harness/machine.js";
import { RESULTS } from "./harness/places.js";
import { tableOf } from "./harness/report.js";

const ALL: readonly Benchmark[] = [
  start,
  sqlite,
  postgres,
  flatness,
  parked,
  processes,
  runs,
  checkpoints,
  context,
  briefs,
  memory,
  wake,
  http,
  waiting,
  recovery,
  tools,
  hooks,
  makespan,
  load,
  contention,
  forecasts,
  durations,
  weights,
  routing,
  learning,
  observability,
];

const USAGE = "npm run bench -- [NAME…] [--quick] [--keep]";

const { values, positionals } = argumentsOf({ program: "bench", usage: USAGE }, () => {
  const given = parseArgs({
    allowPositionals: true,
    options: { quick: { type: "boolean", default: false }, keep: { type: "boolean", default: false } },
  });
  const strangers = given.positionals.filter((name) => !ALL.some((benchmark) => benchmark.name === name));
  if (strangers.length === 0) return given;
  const names = ALL.map(({ name }) => name).join(", ");
  throw new TypeError(`no benchmark is called ${strangers.join(", ")}; there are ${names}`);
});
const chosen = positionals.length === 0 ? ALL : ALL.filter(({ name }) => positionals.includes(name));
const machine = thisMachine();
const outcomes = new Map<string, Outcome>();
const tables: string[] = [];
for (const benchmark of chosen) {
  const outcome = await measured(benchmark);
  outcomes.set(benchmark.name, outcome);
  tables.push(tableOf(benchmark.title, outcome));
}
process.stdout.write(`${tables.join("\n")}\n\n${summaryOf(machine)}\n`);
if (!values.quick && (positionals.length === 0 || values.keep)) {
  process.stdout.write(`Kept in ${path.relative(process.cwd(), keep(machine))}\n`);
}

async function measured(benchmark: Benchmark): Promise<Outcome> {
  const { name } = benchmark;
  const directory = mkdtempSync(path.join(tmpdir(), `baton-bench-${name}-`));
  try {
    const say = (line: string): void => void process.stderr.write(`${name}: ${line}\n`);
    say("begins");
    return await benchmark.run({ directory, quick: values.quick, say });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function summaryOf({ cpu, cores, memoryGb, system, node, sqlite: version, loadAtStart }: Machine): string {
  const verdicts = [...outcomes.values()].flatMap(({ lines }) => lines.flatMap((line) => verdictOn(line) ?? []));
  const met = verdicts.filter((verdict) => verdict === "met").length;
  return `${met} of ${verdicts.length} targets met, on ${cores} × ${cpu}, ${memoryGb} GB, ${system}, Node ${node}, SQLite ${version}, load ${loadAtStart.join(" ")} at the start.`;
}

/** Puts the figures into today's file for this kind of machine, beside those of other benchmarks. */
function keep(on: Machine): string {
  const day = new Date().toISOString().slice(0, 10);
  const file = path.join(RESULTS, `${day}-${kindOf(on)}.json`);
  mkdirSync(RESULTS, { recursive: true });
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { benchmarks?: object }) : {};
  const benchmarks = Object.fromEntries(
    [...outcomes].map(([name, { lines, ...rest }]) => [
      name,
      { loadAtStart: on.loadAtStart, lines: lines.map((line) => ({ ...line, verdict: verdictOn(line) })), ...rest },
    ]),
  );
  const { loadAtStart: _, ...machineFacts } = on;
  const result = { day, machine: machineFacts, benchmarks: { ...before.benchmarks, ...benchmarks } };
  writeFileSync(file, `${JSON.stringify(result, undefined, 1)}\n`);
  return file;
}
