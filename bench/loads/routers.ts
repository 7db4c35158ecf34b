import { BatonRouter } from "../../src/engine/performance/baton-router.js";
import type { RoutingChoice, CrewFacts, EndedTask, Router } from "../../src/engine/performance/crew.js";
import { JUDGEMENT_ATTEMPTS } from "../../src/engine/belief/belief.js";
import { isClearlyBetter } from "../../src/engine/belief/head-start.js";

/** Takes the free agent with the best mean so far; one that was never tried comes first. */
class GreedyRouter implements Router {
  readonly #judgementWeight: number;
  readonly #means = new Map<string, { sum: number; count: number }>();

  constructor(judgementWeight: number) {
    this.#judgementWeight = judgementWeight;
  }

  choose({ free, type }: RoutingChoice): number {
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

/**
 * Pulls as claims do: the free agents ask in an order of chance, and the first takes the task; with a head start the first that leaves
 * it to no other free one.
 */
class PulledRouter extends BatonRouter {
  readonly #uniform: CrewFacts["uniform"];
  readonly #hasHeadStart: boolean;

  constructor(crew: CrewFacts, hasHeadStart: boolean) {
    super("performance", crew);
    this.#uniform = crew.uniform;
    this.#hasHeadStart = hasHeadStart;
  }

  override choose({ free, type, now }: RoutingChoice): number {
    const idle = free
      .map((agent) => ({ agent, at: this.#uniform(), shown: this.shownBy(agent, type, now) }))
      .toSorted((one, other) => one.at - other.at);
    const takes = idle.find(
      ({ shown }) => !this.#hasHeadStart || !idle.some((other) => isClearlyBetter(other.shown, shown)),
    );
    return takes?.agent ?? 0;
  }
}

/** Chooses without learning. */
function fixed(choose: (choice: RoutingChoice) => number): Router {
  return { choose, ended: () => undefined, joined: () => undefined };
}

export const ROUTERS = {
  ours: (crew) => new BatonRouter("performance", crew),
  "ours, adaptive": (crew) => new BatonRouter("adaptive", crew),
  "pulled, head start": (crew) => new PulledRouter(crew, true),
  pulled: (crew) => new PulledRouter(crew, false),
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
