import type { Bench, Benchmark, Line, Outcome } from "../../harness/benchmark.js";
import { KINDS, type Kind, outcomesOf, type Score, scoreOf } from "../../loads/spending.js";

const HISTORIES = [0, 5, 20, 50, 100, 500] as const;
/** From here on the intervals are held to what they promise. */
const HISTORY_MIN = 20;
const WORLDS = 200;
const WORLDS_QUICK = 20;
const SEED = 1_000;
const COVERED = { least: 0.75, most: 0.85 } as const;

interface Row {
  readonly kind: Kind;
  readonly history: number;
  readonly task: Score;
  readonly run: Score;
}

export const forecasts: Benchmark = {
  name: "forecasts",
  title: "Forecasts of costs in worlds whose true costs are known",
  async run(bench: Bench): Promise<Outcome> {
    const worlds = bench.quick ? WORLDS_QUICK : WORLDS;
    const rows: Row[] = [];
    const promised = new Map<string, ReturnType<typeof outcomesOf>>();
    for (const kind of KINDS) {
      bench.say(kind);
      for (const history of HISTORIES) {
        const outcomes = Array.from({ length: worlds }, (_, at) =>
          outcomesOf({ seed: SEED + at, kind, history }),
        ).flat();
        if (history >= HISTORY_MIN) promised.set(kind, [...(promised.get(kind) ?? []), ...outcomes]);
        rows.push({ kind, history, task: scoreFor(outcomes, "task"), run: scoreFor(outcomes, "run") });
      }
    }
    const lines = [...promised].flatMap(([kind, outcomes]) =>
      (["task", "run"] as const).flatMap((of) => linesOf(`${of}s, ${kind}`, scoreFor(outcomes, of), kind === KINDS[0])),
    );
    return { lines, notes: notesOf(worlds, rows), detail: { rows } };
  },
};

function scoreFor(outcomes: ReturnType<typeof outcomesOf>, of: "task" | "run"): Score {
  return scoreOf(outcomes.filter((one) => one.of === of));
}

function linesOf(what: string, score: Score, isPromised: boolean): Line[] {
  const covered: Line = { what: `${what}: within the 80 % interval`, value: score.covered, unit: "" };
  return [
    isPromised ? { ...covered, target: { of: "value", at: "least", limit: COVERED.least } } : covered,
    ...(isPromised
      ? [{ ...covered, what: `${what}: likewise`, target: { of: "value", at: "most", limit: COVERED.most } } as const]
      : []),
    {
      what: `${what}: pinball loss`,
      value: score.pinball,
      unit: "",
      peer: { name: "global median", value: score.pinballOfMedian },
      ratio: score.pinball / score.pinballOfMedian,
      target: { of: "ratio", at: "most", limit: 1 },
    },
  ];
}

function notesOf(worlds: number, rows: readonly Row[]): string[] {
  return [
    `${worlds} worlds of each kind and history, seeds from ${SEED}; six roles with a spread of their own, four types of task, three models; ten tasks and two runs of 3 to 40 tasks each. Lines: histories of ${HISTORY_MIN} tasks and more together.`,
    "Pinball loss: the mean of those at 0.1, 0.5 and 0.9, over the mean cost. Global median: that of all past tasks, for each of the three.",
    ...rows.map(
      ({ kind, history, task, run }) => `${kind}, history ${history}: tasks ${described(task)}; runs ${described(run)}`,
    ),
  ];
}

function described({ covered, pinball, pinballOfGlobal, pinballOfMedian }: Score): string {
  const [loss, quantiles, median] = [pinball, pinballOfGlobal, pinballOfMedian].map((value) => value.toFixed(3));
  return `${(100 * covered).toFixed(1)} % covered, loss ${loss} (global quantiles ${quantiles}, median ${median})`;
}
