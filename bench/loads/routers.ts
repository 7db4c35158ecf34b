import { halfLifeMs } from "../../src/base/numbers/half-life.js";
import { defaultSettings } from "../../src/base/settings/defaults.js";
import {
  added,
  type EvidenceLevels,
  JUDGEMENT_ATTEMPTS,
  type JudgedSums,
  judgedEvidence,
  NO_SUMS,
  type Observation,
} from "../../src/engine/routing/belief.js";
import { ranked } from "../../src/engine/routing/ranking.js";
import type { RoutingCandidate } from "../../src/engine/routing/scoring.js";
import { STRATEGIES, type StrategyName } from "../../src/engine/routing/strategies.js";
import type { Choice, CrewFacts, EndedTask, Router } from "./crew.js";

const HALF_LIFE_MS = halfLifeMs(defaultSettings.learning_rate);

/** Chooses as route_task does, by the server's own code. */
class BatonRouter implements Router {
  readonly #strategy: StrategyName;
  readonly #crew: CrewFacts;
  readonly #sums = new Map<string, { sums: JudgedSums; at: number }>();
  readonly #streaks = new Map<number, { failures: number; at: number }>();
  readonly #served = new Map<number, number>();

  constructor(strategy: StrategyName, crew: CrewFacts) {
    this.#strategy = strategy;
    this.#crew = crew;
  }

  choose({ free, type, now }: Choice): number {
    const candidates = free.map((agent): RoutingCandidate => {
      const streak = this.#streaks.get(agent);
      return {
        agent: String(agent),
        asked: 0,
        offered: 0,
        evidence: this.#levels(agent, type, now),
        declared: this.#crew.declared(agent, type),
        persona: {},
        busy: 0,
        capacity: 1,
        cost: null,
        inputs: 0,
        servedAt: this.#served.get(agent) ?? null,
        failuresInRow: streak?.failures ?? 0,
        restedMs: now - (streak?.at ?? now),
      };
    });
    const terms = { strategy: STRATEGIES[this.#strategy], persona: {}, uniform: this.#crew.uniform };
    const agent = Number(ranked(candidates, terms)[0]?.agent);
    this.#served.set(agent, now);
    return agent;
  }

  ended(task: EndedTask): void {
    const { agent, success, judgement, durationMs, at } = task;
    this.#add(task, { success: success ? 1 : 0, durationMs });
    if (judgement !== undefined) this.#add(task, { success: judgement, judged: true });
    const failures = success ? 0 : (this.#streaks.get(agent)?.failures ?? 0) + 1;
    this.#streaks.set(agent, { failures, at });
  }

  joined(agent: number): void {
    for (const key of this.#sums.keys()) if (key.startsWith(`${agent}/`)) this.#sums.delete(key);
    this.#streaks.delete(agent);
    this.#served.delete(agent);
  }

  #levels(agent: number, type: number, now: number): EvidenceLevels {
    const shown = (key: string) => judgedEvidence(this.#faded(key, now));
    return { pair: shown(`${agent}/${type}`), agent: shown(`${agent}/`), type: shown(`/${type}`) };
  }

  #add({ agent, type, at }: EndedTask, observation: Observation): void {
    for (const key of [`${agent}/${type}`, `${agent}/`, `/${type}`])
      this.#sums.set(key, { sums: added(this.#faded(key, at), observation), at });
  }

  /** Fades the sums as addEvidence of the store does in SQL. */
  #faded(key: string, now: number): JudgedSums {
    const { sums, at } = this.#sums.get(key) ?? { sums: NO_SUMS, at: now };
    const share = HALF_LIFE_MS === null ? 1 : 2 ** ((at - now) / HALF_LIFE_MS);
    return {
      successes: sums.successes * share,
      failures: sums.failures * share,
      durations: sums.durations * share,
      logSum: sums.logSum * share,
      logSquares: sums.logSquares * share,
      judged: sums.judged * share,
      quality: sums.quality * share,
    };
  }
}

/** Takes the free agent with the best mean so far; one that was never tried comes first. */
class GreedyRouter implements Router {
  readonly #judgementWeight: number;
  readonly #means = new Map<string, { sum: number; count: number }>();

  constructor(judgementWeight: number) {
    this.#judgementWeight = judgementWeight;
  }

  choose({ free, type }: Choice): number {
    const means = free.map((agent) => {
      const { sum, count } = this.#means.get(`${agent}/${type}`) ?? { sum: 0, count: 0 };
      return count === 0 ? 1 : sum / count;
    });
    return free[means.indexOf(Math.max(...means))] ?? 0;
  }

  ended({ agent, type, success, judgement }: EndedTask): void {
    const key = `${agent}/${type}`;
    const { sum, count } = this.#means.get(key) ?? { sum: 0, count: 0 };
    const judged = judgement === undefined ? 0 : this.#judgementWeight;
    this.#means.set(key, {
      sum: sum + (success ? 1 : 0) + judged * (judgement ?? 0),
      count: count + 1 + judged,
    });
  }

  joined(agent: number): void {
    for (const key of this.#means.keys()) if (key.startsWith(`${agent}/`)) this.#means.delete(key);
  }
}

/** Chooses without learning. */
function fixed(choose: (choice: Choice) => number): Router {
  return { choose, ended: () => undefined, joined: () => undefined };
}

export const ROUTERS = {
  ours: (crew) => new BatonRouter("performance", crew),
  "ours, adaptive": (crew) => new BatonRouter("adaptive", crew),
  greedy: () => new GreedyRouter(0),
  "greedy with judgements": () => new GreedyRouter(JUDGEMENT_ATTEMPTS),
  random: ({ uniform }) => fixed(({ free }) => free[Math.floor(uniform() * free.length)] ?? 0),
  "round robin": () => {
    let last = -1;
    return fixed(({ free }) => (last = free.find((agent) => agent > last) ?? free[0] ?? 0));
  },
  oracle: () =>
    fixed(({ free, skill }) => free.reduce((best, agent) => (skill(agent) > skill(best) ? agent : best), free[0] ?? 0)),
} as const satisfies Record<string, (crew: CrewFacts) => Router>;
export type RouterName = keyof typeof ROUTERS;
