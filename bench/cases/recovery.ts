import { mkdirSync } from "node:fs";
import path from "node:path";
import { type Fault, FAULTS } from "../../test/support/recovery/faults.js";
import { type Bench, type Benchmark, type Line, type Outcome } from "../harness/benchmark.js";
import { ROOT } from "../harness/places.js";
import { startDurablePostgres } from "../harness/postgres.js";
import { median } from "../harness/rounds.js";

const TIMES = 10;

export const recovery: Benchmark = {
  name: "recovery",
  title: "From a fault until the task runs again",
  async run(bench: Bench): Promise<Outcome> {
    const lines: Line[] = [];
    const detail: Record<string, readonly number[]> = {};
    for (const fault of FAULTS) {
      bench.say(fault.name);
      for (const [backend, taken] of await measured(bench, fault)) {
        lines.push(...linesOf(`${backend}: ${fault.name}`, fault, taken));
        detail[`${backend}: ${fault.name}`] = taken;
      }
    }
    return { lines, notes: notes(), detail };
  },
};

/** Both databases at once: almost all of the time is waiting. */
async function measured(bench: Bench, fault: Fault): Promise<[backend: string, taken: readonly number[]][]> {
  const times = bench.quick ? 2 : TIMES;
  const placeOf = (backend: string, database?: string) => {
    const cwd = path.join(bench.directory, `${backend}-${fault.name}`);
    mkdirSync(cwd);
    return { home: ROOT, cwd, database: database ?? path.join(cwd, "recovery.db") };
  };
  const server = await startDurablePostgres();
  try {
    const [onSqlite, onPostgres] = await Promise.all([
      fault.measure(placeOf("SQLite"), times),
      fault.measure(placeOf("PostgreSQL", server.url), times),
    ]);
    return [
      ["SQLite", onSqlite],
      ["PostgreSQL", onPostgres],
    ];
  } finally {
    await server.stop();
  }
}

function linesOf(what: string, { boundMs }: Fault, taken: readonly number[]): Line[] {
  return [
    { what: `${what}, p50`, value: median(taken) / 1_000, unit: "s" },
    {
      what: `${what}, max`,
      value: Math.max(...taken) / 1_000,
      unit: "s",
      target: { of: "value", at: "most", limit: boundMs / 1_000 },
    },
  ];
}

function notes(): string[] {
  const differing = FAULTS.flatMap(({ name, settings }) => (settings === undefined ? [] : [`${name}: ${settings}`]));
  return [
    "Built servers over stdio; from the signal until another agent's waiting claim is answered, or the tool is called again.",
    `Settings as by default, but for: ${differing.join("; ")}.`,
  ];
}
