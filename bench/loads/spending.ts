import { grouped } from "../../src/base/lists/groups.js";
import { type Asked, judged, type Judgement, type PastTask } from "../../src/engine/forecasts/back-off.js";
import { type AmountRange, intervalOf, sumOf } from "../../src/engine/forecasts/sums.js";
import { priorFor } from "../../src/engine/forecasts/prior.js";
import { mulberry32 } from "../../src/base/numbers/mulberry32.js";

// Worlds in which the true costs of tasks are known: roles, types of task and models differ in what they cost, and each role varies
// as much as it varies. A forecast sees a history of the world and is asked about tasks and runs to come.

/** How the cost of a task varies around that of its group. */
export const KINDS = ["log-normal", "one in ten five times as dear", "gamma", "dearer by 3 % each ten tasks"] as const;
export type Kind = (typeof KINDS)[number];

export interface Trial {
  readonly seed: number;
  readonly kind: Kind;
  /** Ended tasks that the forecast knows. */
  readonly history: number;
}

/** A question with the forecast, what it came to, and what the history's own quantiles say without looking at what is asked. */
export interface Outcome {
  readonly of: "task" | "run";
  readonly forecast: AmountRange;
  readonly global: AmountRange;
  readonly actual: number;
}

const ROLES = ["backend", "frontend", "review", "test", "docs", "security"];
const TYPES = ["build", "fix", "check", "write"];
const MODELS = ["small", "middle", "large"];
const TASKS = 10;
const RUNS = 2;
const RUN_TASKS_MIN = 3;
const RUN_TASKS_MAX = 40;

export function outcomesOf(trial: Trial): Outcome[] {
  const world = new World(trial);
  const past = Array.from({ length: trial.history }, () => world.task());
  const global = globalInterval(past.map(({ amount }) => amount));
  const judge = (asked: Asked): Judgement => judged(past, asked, priorFor(PRIOR_COST));
  const tasks = Array.from({ length: TASKS }, (): Outcome => {
    const task = world.task();
    return { of: "task", forecast: intervalOf(judge(task).belief), global, actual: task.amount };
  });
  const runs = Array.from({ length: RUNS }, (): Outcome => {
    const steps = Array.from({ length: world.between(RUN_TASKS_MIN, RUN_TASKS_MAX) }, () => world.task());
    const forecast = sumOf(groupsOf(steps).map(({ asked, count }) => ({ ...judge(asked), count })));
    const times = ({ typical, low, high }: AmountRange): AmountRange => ({
      typical: typical * steps.length,
      low: low * steps.length,
      high: high * steps.length,
    });
    return { of: "run", forecast, global: times(global), actual: steps.reduce((sum, { amount }) => sum + amount, 0) };
  });
  return [...tasks, ...runs];
}

/** US$ that a prompt of unknown size is taken to cost before anything is known. */
const PRIOR_COST = 0.2;

function groupsOf(steps: readonly PastTask[]): { asked: Asked; count: number }[] {
  const groups = grouped(
    steps,
    ({ role, type, model }) => `${role}/${type}/${model}`,
    (step) => step,
  );
  return [...groups.values()].flatMap((group) => (group[0] ? [{ asked: group[0], count: group.length }] : []));
}

function globalInterval(amounts: readonly number[]): AmountRange {
  const sorted = amounts.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? PRIOR_COST;
  return { typical: at(0.5), low: at(0.1), high: at(0.9) };
}

class World {
  readonly #uniform: () => number;
  readonly #kind: Kind;
  readonly #base: number;
  readonly #roles: ReadonlyMap<string, { shift: number; spread: number }>;
  readonly #types: ReadonlyMap<string, number>;
  readonly #models: ReadonlyMap<string, number>;
  #made = 0;

  constructor({ seed, kind }: Trial) {
    this.#uniform = mulberry32(seed);
    this.#kind = kind;
    this.#base = Math.log(PRIOR_COST) + this.#normal();
    this.#roles = new Map(
      ROLES.map((role) => [role, { shift: 0.8 * this.#normal(), spread: 0.4 + 0.6 * this.#uniform() }]),
    );
    const pairs = ROLES.flatMap((role) => TYPES.map((type) => `${role}/${type}`));
    this.#types = new Map(pairs.map((pair) => [pair, 0.5 * this.#normal()]));
    this.#models = new Map(MODELS.map((model) => [model, 0.4 * this.#normal()]));
  }

  task(): PastTask {
    // Some roles and models are much more frequent than others.
    const role = this.#pick(ROLES);
    const type = this.#pick(TYPES);
    const model = this.#pick(MODELS);
    const { shift, spread } = this.#roles.get(role) ?? { shift: 0, spread: 1 };
    const centre =
      this.#base + shift + (this.#types.get(`${role}/${type}`) ?? 0) + (this.#models.get(model) ?? 0) + this.#drift();
    return { role, type, model, amount: Math.exp(centre) * this.#around(spread) };
  }

  between(min: number, max: number): number {
    return min + Math.floor(this.#uniform() * (max - min + 1));
  }

  #pick(names: readonly string[]): string {
    return names[Math.floor(names.length * this.#uniform() ** 1.7)] ?? "";
  }

  #drift(): number {
    this.#made += 1;
    return this.#kind === "dearer by 3 % each ten tasks" ? 0.003 * Math.min(this.#made, 300) : 0;
  }

  #around(spread: number): number {
    if (this.#kind === "gamma") return this.#gamma(1.5) / 1.5;
    const retried = this.#kind === "one in ten five times as dear" && this.#uniform() < 0.1 ? 5 : 1;
    return retried * Math.exp(spread * this.#normal());
  }

  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#uniform())) * Math.cos(2 * Math.PI * this.#uniform());
  }

  #gamma(shape: number): number {
    const d = shape - 1 / 3;
    for (;;) {
      const x = this.#normal();
      const v = (1 + x / Math.sqrt(9 * d)) ** 3;
      if (v > 0 && Math.log(1 - this.#uniform()) < 0.5 * x ** 2 + d - d * v + d * Math.log(v)) return d * v;
    }
  }
}

export interface Score {
  readonly questions: number;
  /** Share of the actual costs within the interval. */
  readonly covered: number;
  /** Mean pinball loss at 0.1, 0.5 and 0.9, over the mean actual cost. */
  readonly pinball: number;
  readonly pinballOfGlobal: number;
  /** The same of the global median alone, taken for each of the three. */
  readonly pinballOfMedian: number;
}

export function scoreOf(outcomes: readonly Outcome[]): Score {
  const mean = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / outcomes.length;
  // Costs of worlds differ by their size: each counts in shares of its own typical cost.
  const loss = (interval: AmountRange, actual: number) =>
    (pinball(0.1, interval.low, actual) +
      pinball(0.5, interval.typical, actual) +
      pinball(0.9, interval.high, actual)) /
    3;
  const alone = ({ typical }: AmountRange): AmountRange => ({ typical, low: typical, high: typical });
  const cost = mean(({ actual }) => actual);
  return {
    questions: outcomes.length,
    covered: mean(({ forecast: { low, high }, actual }) => (actual >= low && actual <= high ? 1 : 0)),
    pinball: mean(({ forecast, actual }) => loss(forecast, actual)) / cost,
    pinballOfGlobal: mean(({ global, actual }) => loss(global, actual)) / cost,
    pinballOfMedian: mean(({ global, actual }) => loss(alone(global), actual)) / cost,
  };
}

function pinball(share: number, forecast: number, actual: number): number {
  return actual >= forecast ? share * (actual - forecast) : (1 - share) * (forecast - actual);
}
