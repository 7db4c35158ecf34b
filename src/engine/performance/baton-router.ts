import { halfLifeMs } from "../../base/numbers/half-life.js";
import { defaultSettings } from "../../base/settings/defaults.js";
import {
  added,
  type Evidence,
  type EvidenceLevels,
  type JudgedSums,
  judgedEvidence,
  NO_SUMS,
  type Observation,
} from "../belief/belief.js";
import { ranked } from "../routing/ranking.js";
import type { RoutingCandidate } from "../routing/scoring.js";
import { STRATEGIES, type StrategyName } from "../routing/strategies.js";
import type { RoutingChoice, CrewFacts, EndedTask, Router } from "./crew.js";

const HALF_LIFE_MS = halfLifeMs(defaultSettings.learning_rate);

/** Chooses as route_task does, by the server's own code. */
export class BatonRouter implements Router {
  readonly #strategy: StrategyName;
  readonly #crew: CrewFacts;
  readonly #sums = new Map<string, { sums: JudgedSums; at: number }>();
  readonly #streaks = new Map<number, { failures: number; at: number }>();
  readonly #served = new Map<number, number>();

  constructor(strategy: StrategyName, crew: CrewFacts) {
    this.#strategy = strategy;
    this.#crew = crew;
  }

  choose({ free, type, now }: RoutingChoice): number {
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
        context: [],
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

  /** Evidence of an agent at a type of task. */
  shownBy(agent: number, type: number, now: number): Evidence {
    return judgedEvidence(this.#faded(`${agent}/${type}`, now));
  }

  #levels(agent: number, type: number, now: number): EvidenceLevels {
    const shown = (key: string) => judgedEvidence(this.#faded(key, now));
    return { pair: this.shownBy(agent, type, now), agent: shown(`${agent}/`), type: shown(`/${type}`) };
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
