import type { Bench, Benchmark, Line, Outcome } from "../../harness/benchmark.js";
import { historyOf, type History, KINDS, type Kind, TOLD, type Told } from "../../../src/engine/performance/crew.js";
import { type RouterName, ROUTERS } from "../../loads/routers.js";

const SEEDS = 20;
const SEEDS_QUICK = 2;
const FIRST_SEED = 1_000;
const NAMES = Object.keys(ROUTERS) as RouterName[];

const ACCURACY_LEAST = 0.95;
const ABOVE_GREEDY_LEAST = 0.05;
const EFFICIENCY_LEAST = 0.92;
const REGRET_RATIO_MOST = 0.5;
const BROKEN_MOST = 30;

/** Means over the seeds, with standard deviations. */
type Row = { readonly told: Told; readonly kind: Kind; readonly router: RouterName } & Readonly<
  Record<"accuracy" | "lastQuarter" | "regret" | "skill" | "single" | "efficiency" | "makespanDays" | "broken", Spread>
>;
interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

export const routing: Benchmark = {
  name: "routing",
  title: "Tasks given to agents whose true skills are known to the oracle alone",
  async run(bench: Bench): Promise<Outcome> {
    const rows: Row[] = [];
    for (const told of TOLD) {
      for (const kind of KINDS) {
        bench.say(`${kind}, ${told}`);
        for (const router of NAMES) rows.push(rowOf({ told, kind, router }, bench.quick ? SEEDS_QUICK : SEEDS));
      }
    }
    return { lines: linesOf(rows), notes: notesOf(rows, bench.quick ? SEEDS_QUICK : SEEDS), detail: { rows } };
  },
};

function rowOf({ told, kind, router }: Pick<Row, "told" | "kind" | "router">, seeds: number): Row {
  const histories = Array.from({ length: seeds }, (_, seed) =>
    historyOf({ seed: FIRST_SEED + seed, kind, told }, ROUTERS[router]),
  );
  const spread = (of: (history: History) => number): Spread => spreadOf(histories.map(of));
  return {
    told,
    kind,
    router,
    accuracy: spread(({ accuracy }) => accuracy),
    lastQuarter: spread(({ lastQuarter }) => lastQuarter),
    regret: spread(({ regret }) => regret),
    skill: spread(({ skill }) => skill),
    single: spread(({ single }) => single),
    efficiency: spread(({ boundMs, makespanMs }) => boundMs / makespanMs),
    makespanDays: spread(({ makespanMs }) => makespanMs / 86_400_000),
    broken: spread(({ broken }) => broken),
  };
}

function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}

function linesOf(rows: readonly Row[]): Line[] {
  return TOLD.flatMap((told) => {
    const of = (kind: Kind, router: RouterName): Row => {
      const row = rows.find((one) => one.told === told && one.kind === kind && one.router === router);
      if (row === undefined) throw new Error(`no row of ${router}, ${kind}, ${told}`);
      return row;
    };
    const isPromised = told === TOLD[0];
    const target = (at: "most" | "least", limit: number): Pick<Line, "target"> =>
      isPromised ? { target: { of: "value", at, limit } } : {};
    const peer = told === "outcomes alone" ? "greedy" : "greedy with judgements";
    const [ours, oracle] = [of("stationary", "ours"), of("stationary", "oracle")];
    const above = of("drift", "ours").lastQuarter.mean - of("drift", peer).lastQuarter.mean;
    const closed = (ours.skill.mean - ours.single.mean) / (oracle.skill.mean - oracle.single.mean);
    return [
      {
        what: `accuracy, last quarter (${told})`,
        value: ours.lastQuarter.mean,
        unit: "",
        ...target("least", ACCURACY_LEAST),
      },
      {
        what: `the same with drift, above ${peer} (${told})`,
        value: above,
        unit: "",
        ...target("least", ABOVE_GREEDY_LEAST),
      },
      ...(["greedy", "greedy with judgements"] as const).map((router) => ({
        what: `regret (${told})`,
        value: ours.regret.mean,
        unit: "tasks",
        peer: { name: router, value: of("stationary", router).regret.mean },
        ratio: ours.regret.mean / of("stationary", router).regret.mean,
        ...(isPromised ? { target: { of: "ratio", at: "most", limit: REGRET_RATIO_MOST } as const } : {}),
      })),
      {
        what: `bound of the makespan over the makespan (${told})`,
        value: ours.efficiency.mean,
        unit: "",
        ...target("least", EFFICIENCY_LEAST),
      },
      {
        what: `tasks that the broken agent still got (${told})`,
        value: of("silent failure", "ours").broken.mean,
        unit: "tasks",
        ...target("most", BROKEN_MOST),
      },
      {
        what: `claims with a head start: regret (${told})`,
        value: of("stationary", "pulled, head start").regret.mean,
        unit: "tasks",
        peer: { name: "without", value: of("stationary", "pulled").regret.mean },
        ratio: of("stationary", "pulled, head start").regret.mean / of("stationary", "pulled").regret.mean,
        ...(isPromised ? { target: { of: "ratio", at: "most", limit: REGRET_RATIO_MOST } as const } : {}),
      },
      { what: `gap from the best single agent to the oracle, closed (${told})`, value: closed, unit: "" },
    ];
  });
}

function notesOf(rows: readonly Row[], seeds: number): string[] {
  return [
    `${seeds} seeds from ${FIRST_SEED}; the set-up is described at the top of src/engine/performance/crew.ts. Mean ± standard deviation over the seeds.`,
    "pulled: the free agents claim in an order of chance, as they do when a task becomes ready; with a head start, as claims that wait do it.",
    "ours: route_task's strategy performance; greedy: the best mean success, untried agents first; single: the mean skill of the one agent that would be best for all tasks, as if it were always free.",
    ...rows.map(
      ({ told, kind, router, lastQuarter, accuracy, regret, skill, single, broken, makespanDays }) =>
        `${told}; ${kind}; ${router}: accuracy ${percent(accuracy)}, last quarter ${percent(lastQuarter)}, regret ${shown(regret, 0)}, skill ${percent(skill)} (single ${percent(single)}), makespan ${shown(makespanDays, 1)} days${kind === "silent failure" ? `, broken agent ${shown(broken, 1)}` : ""}`,
    ),
  ];
}

function percent({ mean, deviation }: Spread): string {
  return `${(100 * mean).toFixed(1)} ± ${(100 * deviation).toFixed(1)} %`;
}

function shown({ mean, deviation }: Spread, digits: number): string {
  return `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
}
