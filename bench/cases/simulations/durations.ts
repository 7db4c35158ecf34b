import { mulberry32 } from "../../../src/base/numbers/mulberry32.js";
import { added, durationBelief, type JudgedSums, NO_SUMS } from "../../../src/engine/belief/belief.js";
import { DEFAULT_ESTIMATE_MS } from "../../../src/engine/scheduling/order.js";
import { sampledNormal } from "../../../src/engine/routing/sampling.js";
import { estimatesBy } from "../../../src/engine/steps/learned-estimates.js";
import type { Bench, Benchmark, Line, Outcome } from "../../harness/benchmark.js";

// A world whose durations are known: 20 agents and 12 types of task, as in `routing` (src/engine/performance/crew.ts). A task takes 20 minutes, times a
// factor of its type (e^0.6), of its agent (e^0.3) and of its own (e^0.5). Each task is predicted from those before it, then counted.

const AGENTS = 20;
const TYPES = 12;
const MEDIAN_MS = 1_200_000;
const SPREAD = { type: 0.6, agent: 0.3, task: 0.5 } as const;
const SEEDS = 200;
const SEEDS_QUICK = 10;
const FIRST_SEED = 1_000;
/** Tasks after which the errors are counted, up to the next. */
const HISTORIES = [0, 20, 100, 500] as const;
const TASKS = 2_000;

const WAYS = ["type", "agent and type", "global median"] as const;
type Way = (typeof WAYS)[number];
/** Sums of errors and their number, by the index of the history. */
type Errors = Record<Way, { sum: number; count: number }[]>;

export const durations: Benchmark = {
  name: "durations",
  title: "Durations of tasks predicted from those before",
  run(bench: Bench): Promise<Outcome> {
    const seeds = bench.quick ? SEEDS_QUICK : SEEDS;
    const none = () => HISTORIES.map(() => ({ sum: 0, count: 0 }));
    const errors: Errors = { type: none(), "agent and type": none(), "global median": none() };
    for (let seed = 0; seed < seeds; seed++) addErrors(FIRST_SEED + seed, errors);
    return Promise.resolve({ lines: linesOf(errors), notes: notesOf(errors, seeds), detail: {} });
  },
};

function addErrors(seed: number, errors: Errors): void {
  const uniform = mulberry32(seed);
  const factors = (count: number, spread: number) =>
    Array.from({ length: count }, () => spread * sampledNormal(uniform));
  const [ofType, ofAgent] = [factors(TYPES, SPREAD.type), factors(AGENTS, SPREAD.agent)];
  const sums = new Map<string, JudgedSums>();
  const sumsOf = (key: string): JudgedSums => sums.get(key) ?? NO_SUMS;
  const byType = () => Array.from({ length: TYPES }, (_, type) => ({ ...sumsOf(`/${type}`), type: String(type) }));
  const past: number[] = [];
  for (let at = 0; at < TASKS; at++) {
    const [type, agent] = [Math.floor(uniform() * TYPES), Math.floor(uniform() * AGENTS)];
    const log =
      Math.log(MEDIAN_MS) + (ofType[type] ?? 0) + (ofAgent[agent] ?? 0) + SPREAD.task * sampledNormal(uniform);
    const [ofPair, ofOne, ofAll] = [`${agent}/${type}`, `${agent}/`, `/${type}`];
    const predicted: Record<Way, number> = {
      type: Math.log(estimatesBy(byType())?.(String(type)) ?? DEFAULT_ESTIMATE_MS),
      "agent and type": durationBelief({ pair: sumsOf(ofPair), agent: sumsOf(ofOne), type: sumsOf(ofAll) }).mean,
      "global median": past[past.length >> 1] ?? Math.log(DEFAULT_ESTIMATE_MS),
    };
    const history = HISTORIES.findLastIndex((from) => at >= from);
    for (const way of WAYS) {
      const own = errors[way][history];
      if (own === undefined) throw new RangeError(`no history ${history}`);
      own.sum += Math.abs(log - predicted[way]);
      own.count++;
    }
    for (const key of [ofPair, ofOne, ofAll]) sums.set(key, added(sumsOf(key), { durationMs: Math.exp(log) }));
    past.splice(rank(past, log), 0, log);
  }
}

/** Where a value stands in a sorted list. */
function rank(sorted: readonly number[], value: number): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle] ?? 0) < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

function meanError(errors: Errors, way: Way, history: number): number {
  const { sum = 0, count = 0 } = errors[way][history] ?? {};
  return sum / count;
}

function linesOf(errors: Errors): Line[] {
  return HISTORIES.flatMap((from, history) =>
    (["type", "agent and type"] as const).map((way): Line => {
      const [own, peer] = [meanError(errors, way, history), meanError(errors, "global median", history)];
      return {
        what: `mean absolute log error by ${way}, from task ${from}`,
        value: own,
        unit: "",
        peer: { name: "global median", value: peer },
        ratio: own / peer,
        target: { of: "ratio", at: "most", limit: 1 },
      };
    }),
  );
}

function notesOf(errors: Errors, seeds: number): string[] {
  return [
    `${seeds} worlds, seeds from ${FIRST_SEED}, ${TASKS} tasks each. By type: the estimate of a task that names none. By agent and type: the speed that route_task goes by.`,
    `The spread of a single task alone leaves ${(SPREAD.task * Math.sqrt(2 / Math.PI)).toFixed(3)}, with that of its agent ${(Math.hypot(SPREAD.task, SPREAD.agent) * Math.sqrt(2 / Math.PI)).toFixed(3)}.`,
    ...HISTORIES.map(
      (from, history) =>
        `from task ${from}: ${WAYS.map((way) => `${way} ${meanError(errors, way, history).toFixed(3)}`).join(", ")}`,
    ),
  ];
}
