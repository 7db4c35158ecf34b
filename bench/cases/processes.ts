import path from "node:path";
import { type Bench, type Benchmark, type Line, type Outcome } from "../harness/benchmark.js";
import type { Synchronous } from "../harness/engine-handle.js";
import { type Report, sendOut } from "../harness/errand.js";
import { fill } from "../harness/filled.js";
import { figuresOf, interleave, median, medianRatio } from "../harness/rounds.js";

const ROUNDS = 3;
const FOR_MS = 2_000;
const WARM_UP = 2_500;
/** More than a fast machine does in that time. */
const TASKS = { engine: 10_000, raw: 60_000 } as const;
const COUNTS: Readonly<Record<Synchronous, readonly number[]>> = { FULL: [1, 2, 4, 8, 16], NORMAL: [1, 16] };
const MANY = 16;
const RATIO_MIN = { FULL: 0.66, NORMAL: 0.75 } as const;
const CALL_MS_MAX = 250;

export const processes: Benchmark = {
  name: "processes",
  title: `1 to ${MANY} processes on one SQLite file`,
  async run(bench: Bench): Promise<Outcome> {
    const full = await measure(bench, "FULL");
    const normal = await measure(bench, "NORMAL");
    return {
      lines: [...full.lines, ...normal.lines],
      notes: [
        `Claims and completions of ${FOR_MS} ms, by processes that begin together on a new file; FULL is the default.`,
        "The slowest call is the slowest single claim or completion of all rounds, waiting for the other writers included.",
        "raw: the queue by hand in as many processes, waiting for each other by SQLite's own busy timeout, which stops a process meanwhile.",
      ],
      detail: { full: full.detail, normal: normal.detail },
    };
  },
};

async function measure(bench: Bench, synchronous: Synchronous): Promise<{ lines: Line[]; detail: unknown }> {
  const rounds = bench.quick ? 1 : ROUNDS;
  const teams: readonly Team[] = [
    ...COUNTS[synchronous].map((count) => ({ by: "engine" as const, count })),
    ...[1, MANY].map((count) => ({ by: "raw" as const, count })),
  ];
  bench.say(`${synchronous}: ${teams.map(nameOf).join(", ")}; ${rounds} rounds of ${FOR_MS} ms`);
  const reports = new Map<string, Report[]>(teams.map((team) => [nameOf(team), []]));
  const contestants = teams.map((team) => ({
    name: nameOf(team),
    async round(index: number): Promise<number> {
      const file = path.join(bench.directory, `${synchronous}-${team.by}-${team.count}-${index}.db`);
      const some = await together({ ...team, file, synchronous });
      reports.get(nameOf(team))?.push(...some);
      return (some.reduce((sum, { done }) => sum + done, 0) * 1_000) / FOR_MS;
    },
  }));
  const all = await interleave(contestants, rounds);
  const lines = teams.map((team) => speedOf(team, synchronous, all));
  return {
    lines: [...lines, ...callsOf(reports, synchronous)],
    detail: { tasks_per_second: Object.fromEntries(all), reports: Object.fromEntries(reports) },
  };
}

function speedOf(team: Team, synchronous: Synchronous, all: ReadonlyMap<string, readonly number[]>): Line {
  const one = { ...team, count: 1 };
  const [figures, ofOne] = [figuresOf(all, nameOf(team)), figuresOf(all, nameOf(one))];
  return {
    what: `${synchronous}: ${nameOf(team)}`,
    value: median(figures),
    unit: "tasks/s",
    ...(team.count === 1 ? {} : { peer: { name: nameOf(one), value: median(ofOne) } }),
    ...(team.count === 1 ? {} : { ratio: medianRatio(figures, ofOne) }),
    ...(team.count === MANY && team.by === "engine"
      ? { target: { of: "ratio", at: "least", limit: RATIO_MIN[synchronous] } }
      : {}),
  };
}

function callsOf(reports: ReadonlyMap<string, readonly Report[]>, synchronous: Synchronous): Line[] {
  const [engine, raw] = (["engine", "raw"] as const).map((by) => reports.get(nameOf({ by, count: MANY })) ?? []);
  const line = (what: string, figure: (some: readonly Report[]) => number): Line => ({
    what: `${synchronous}: ${what} of ${MANY} processes`,
    value: figure(engine ?? []),
    unit: "ms",
    peer: { name: "raw", value: figure(raw ?? []) },
  });
  const sum = (some: readonly Report[], of: (report: Report) => number): number =>
    some.reduce((total, report) => total + of(report), 0);
  return [
    line("processor time a task", (some) => sum(some, ({ cpuMs }) => cpuMs) / sum(some, ({ done }) => done)),
    line("p99 of the calls", (some) => median(some.map(({ p99Ms }) => p99Ms))),
    {
      ...line("slowest call", (some) => Math.max(...some.map(({ slowestMs }) => slowestMs))),
      target: { of: "value", at: "most", limit: CALL_MS_MAX },
    },
  ];
}

interface Team {
  readonly by: "engine" | "raw";
  readonly count: number;
}

function nameOf({ by, count }: Team): string {
  return `${by === "raw" ? "raw, " : ""}${count === 1 ? "1 process" : `${count} processes`}`;
}

async function together(given: Team & { file: string; synchronous: Synchronous }): Promise<Report[]> {
  const { by, file, synchronous, count } = given;
  const project = await fill(by, file, TASKS[by]);
  const errand = { by, file, synchronous, project, forMs: FOR_MS, tasks: TASKS[by], warmUp: WARM_UP };
  return sendOut(Array.from({ length: count }, (_, n) => ({ ...errand, agent: `agent-${n}` })));
}
