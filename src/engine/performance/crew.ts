import { mulberry32 } from "../../base/numbers/mulberry32.js";
import { sampledBeta, sampledNormal, type Uniform } from "../routing/sampling.js";

// A crew whose true skills are known: 20 agents, 12 types of task, 20,000 tasks that arrive by chance and keep 70 % of the crew busy. A
// task goes at once to one of the agents that are free; its outcome is known when it ends. The set-up is fixed and published:
// - Skill, the probability of success: an agent's base of 50 to 75 %; at one type in four 10 to 30 points better, at the others up to 25
//   points worse.
// - Each agent declares its skills: with an error of 15 points (standard deviation), and one in five boasts with any number above one half.
// - A task takes 24 minutes in the mean; types differ by e^0.6, agents by e^0.3, tasks by e^0.5.
// - A third of the tasks are judged, by a score whose mean is the skill (Beta, with 6 for its two parameters together).

const AGENTS = 20;
const TYPES = 12;
const TASKS = 20_000;
const MINUTE = 60_000;
const UTILISATION = 0.7;
const JUDGED_SHARE = 1 / 3;
const JUDGEMENT_WEIGHT = 6;

/** Drift: before each thousandth task two agents get other skills at once. */
const DRIFT_EVERY = 1_000;
const DRIFT_AGENTS = 2;
/** At the half of the history four agents are replaced by new ones, or the best one begins to fail in silence. */
const HALF = TASKS / 2;
const NEWCOMERS = 4;
const BROKEN_SKILL = 0.02;
/** Tasks after the break in which those that the broken agent still gets are counted. */
const BREAK_TASKS = 2_000;

export const KINDS = ["stationary", "drift", "newcomers", "silent failure"] as const;
export type Kind = (typeof KINDS)[number];

/** The facts that a router is told. */
export const TOLD = ["outcomes, judgements and declared skills", "outcomes alone"] as const;
export type Told = (typeof TOLD)[number];

export interface Trial {
  readonly seed: number;
  readonly kind: Kind;
  readonly told: Told;
}

export interface EndedTask {
  readonly agent: number;
  readonly type: number;
  readonly success: boolean;
  readonly judgement: number | undefined;
  readonly durationMs: number;
  readonly at: number;
}

export interface RoutingChoice {
  readonly free: readonly number[];
  readonly type: number;
  readonly now: number;
  /** For the oracle alone. */
  readonly skill: (agent: number) => number;
}

/** A way of choosing. Each learns from the same ends of tasks. */
export interface Router {
  choose(choice: RoutingChoice): number;
  ended(task: EndedTask): void;
  /** Told where an agent was replaced by a new one. */
  joined(agent: number): void;
}

export interface CrewFacts {
  /** By agent and type; null where nothing is declared. */
  readonly declared: (agent: number, type: number) => number | null;
  readonly uniform: Uniform;
}

export interface History {
  /** The share of tasks given to an agent whose skill is within 5 % of that of the best free one; in all, and in the last quarter. */
  readonly accuracy: number;
  readonly lastQuarter: number;
  /** Successes lost to the best free agent, expected. */
  readonly regret: number;
  /** The mean skill that tasks met, and that of the single agent that would have been best for all. */
  readonly skill: number;
  readonly single: number;
  readonly makespanMs: number;
  /** Max of the last arrival and the work over the agents. */
  readonly boundMs: number;
  /** Tasks that the broken agent got after it broke though another was free. */
  readonly broken: number;
}

const NEAR = 0.95;
const STEP_TASKS = 200;

export function historyOf(trial: Trial, routerOf: (crew: CrewFacts) => Router): History {
  const steps = historySteps(trial, routerOf);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in steps of some hundred tasks, so that other work can be done between them. */
export function historySteps(trial: Trial, routerOf: (crew: CrewFacts) => Router): Generator<void, History, void> {
  return new Crew(trial).history(routerOf);
}

interface Running extends EndedTask {
  readonly endsAt: number;
}

class Crew {
  readonly #trial: Trial;
  /** Of skills, arrivals and changes, which are the same for each router of a seed. */
  readonly #uniform: Uniform;
  readonly #outcomes: Uniform;
  readonly #skills: number[][];
  readonly #declared: number[][];
  readonly #slowness: number[];
  readonly #sizes: number[];
  readonly #singles = Array.from({ length: AGENTS }, () => 0);
  readonly #running = new Map<number, Running>();
  #now = 0;
  #work = 0;
  #lastEnd = 0;
  #broken = -1;

  constructor(trial: Trial) {
    this.#trial = trial;
    this.#uniform = mulberry32(trial.seed);
    this.#outcomes = mulberry32(trial.seed + 0xacc);
    this.#skills = Array.from({ length: AGENTS }, () => this.#newSkills());
    this.#declared = this.#skills.map((skills) => this.#declaring(skills));
    this.#slowness = Array.from({ length: AGENTS }, () => Math.exp(0.3 * sampledNormal(this.#uniform)));
    this.#sizes = Array.from({ length: TYPES }, () => 20 * MINUTE * Math.exp(0.6 * sampledNormal(this.#uniform)));
  }

  *history(routerOf: (crew: CrewFacts) => Router): Generator<void, History, void> {
    const saysMore = this.#trial.told !== "outcomes alone";
    const router = routerOf({
      declared: (agent, type) => (saysMore ? at(at(this.#declared, agent), type) : null),
      uniform: mulberry32(this.#trial.seed + 0x5eed),
    });
    const gap = this.#meanGap();
    const found = { near: 0, nearLast: 0, regret: 0, skill: 0, broken: 0 };
    let arrival = 0;
    for (let number = 0; number < TASKS; number++) {
      if (number % STEP_TASKS === 0) yield;
      this.#change(number, router);
      arrival -= Math.log(1 - this.#uniform()) * gap;
      this.#now = Math.max(this.#now, arrival);
      const type = Math.floor(this.#uniform() * TYPES);
      const free = this.#free(router);
      const skill = (agent: number): number => at(at(this.#skills, agent), type);
      for (let agent = 0; agent < AGENTS; agent++) this.#singles[agent] = at(this.#singles, agent) + skill(agent);
      const best = Math.max(...free.map(skill));
      const chosen = router.choose({ free, type, now: this.#now, skill });
      const isNear = skill(chosen) >= NEAR * best;
      found.near += isNear ? 1 : 0;
      found.nearLast += isNear && number >= 0.75 * TASKS ? 1 : 0;
      found.regret += best - skill(chosen);
      found.skill += skill(chosen);
      found.broken += chosen === this.#broken && free.length > 1 && number < HALF + BREAK_TASKS ? 1 : 0;
      this.#start(chosen, type);
    }
    return {
      accuracy: found.near / TASKS,
      lastQuarter: found.nearLast / (0.25 * TASKS),
      regret: found.regret,
      skill: found.skill / TASKS,
      single: Math.max(...this.#singles) / TASKS,
      makespanMs: this.#lastEnd,
      boundMs: Math.max(arrival, this.#work / AGENTS),
      broken: found.broken,
    };
  }

  /** The mean time between arrivals that keeps the crew as busy as it is to be. */
  #meanGap(): number {
    const size = (this.#sizes.reduce((sum, one) => sum + one, 0) / TYPES) * Math.exp(0.5 ** 2 / 2);
    const pace = this.#slowness.reduce((sum, one) => sum + 1 / one, 0) / size;
    return 1 / (UTILISATION * pace);
  }

  #change(number: number, router: Router): void {
    const { kind } = this.#trial;
    if (kind === "drift" && number > 0 && number % DRIFT_EVERY === 0) {
      for (let count = 0; count < DRIFT_AGENTS; count++)
        this.#skills[Math.floor(this.#uniform() * AGENTS)] = this.#newSkills();
    }
    if (number !== HALF) return;
    if (kind === "newcomers") {
      for (let agent = 0; agent < NEWCOMERS; agent++) {
        this.#skills[agent] = this.#newSkills();
        this.#declared[agent] = this.#declaring(at(this.#skills, agent));
        router.joined(agent);
      }
    }
    if (kind === "silent failure") {
      const sums = this.#skills.map((skills) => skills.reduce((sum, one) => sum + one, 0));
      this.#broken = sums.indexOf(Math.max(...sums));
      this.#skills[this.#broken] = Array.from({ length: TYPES }, () => BROKEN_SKILL);
    }
  }

  /** The free agents, after waiting for the first where none is; the ends of tasks until then are told. */
  #free(router: Router): number[] {
    if (this.#running.size === AGENTS) {
      this.#now = Math.max(this.#now, Math.min(...[...this.#running.values()].map(({ endsAt }) => endsAt)));
    }
    const ended = [...this.#running.values()].filter(({ endsAt }) => endsAt <= this.#now);
    for (const task of ended.sort((one, other) => one.endsAt - other.endsAt)) {
      this.#running.delete(task.agent);
      router.ended(task);
    }
    return Array.from({ length: AGENTS }, (_, agent) => agent).filter((agent) => !this.#running.has(agent));
  }

  #start(agent: number, type: number): void {
    const skill = at(at(this.#skills, agent), type);
    const durationMs =
      at(this.#sizes, type) * at(this.#slowness, agent) * Math.exp(0.5 * sampledNormal(this.#outcomes));
    const success = this.#outcomes() < skill;
    const score = sampledBeta(
      { alpha: JUDGEMENT_WEIGHT * skill, beta: JUDGEMENT_WEIGHT * (1 - skill) },
      this.#outcomes,
    );
    const isJudged = this.#outcomes() < JUDGED_SHARE && this.#trial.told !== "outcomes alone";
    const endsAt = this.#now + durationMs;
    this.#work += durationMs;
    this.#lastEnd = Math.max(this.#lastEnd, endsAt);
    const judgement = isJudged ? score : undefined;
    this.#running.set(agent, { agent, type, success, judgement, durationMs, at: endsAt, endsAt });
  }

  #newSkills(): number[] {
    const base = 0.5 + 0.25 * this.#uniform();
    return Array.from({ length: TYPES }, () => {
      const apart = this.#uniform() < 0.25 ? 0.1 + 0.2 * this.#uniform() : -0.25 * this.#uniform();
      return within(base + apart, BROKEN_SKILL, 0.98);
    });
  }

  #declaring(skills: readonly number[]): number[] {
    const boasts = this.#uniform() < 0.2;
    return skills.map((skill) =>
      boasts ? 0.5 + 0.5 * this.#uniform() : within(skill + 0.15 * sampledNormal(this.#uniform), 0, 1),
    );
  }
}

function within(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`no element ${index} in a list of ${list.length}`);
  return value;
}
