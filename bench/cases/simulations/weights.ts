import { mulberry32 } from "../../../src/base/numbers/mulberry32.js";
import { added, type JudgedSums, judgedEvidence, NO_SUMS } from "../../../src/engine/belief/belief.js";
import { ranked } from "../../../src/engine/routing/ranking.js";
import type { RoutingCandidate } from "../../../src/engine/routing/scoring.js";
import { STRATEGIES, type Strategy } from "../../../src/engine/routing/strategies.js";
import type { Bench, Benchmark, Line, Outcome } from "../../harness/benchmark.js";

// A crew of 20 agents and 12 types of task that ask for a persona. In one world success goes by how near an agent's is to it, in the other it does not.
// After each 50 tasks an agent is replaced by a new one, of which nothing is known but what it says of itself. All agents are free.

const AGENTS = 20;
const TYPES = 12;
const TASKS = 3_000;
const LEAVES_EVERY = 50;
const SEEDS = 40;
const SEEDS_QUICK = 6;
const FIRST_SEED = 1_000;
const CANDIDATES = 6;

const WORLDS = ["persona tells", "persona says nothing"] as const;
type World = (typeof WORLDS)[number];
const { adapts: _, ...fixed } = STRATEGIES.adaptive;
const WAYS: Readonly<Record<string, Strategy>> = {
  "learned weights": STRATEGIES.adaptive,
  "fixed weights": fixed,
  performance: STRATEGIES.performance,
};

export const weights: Benchmark = {
  name: "weights",
  title:
    "Weights of adaptive, learned by outcome and fixed, in worlds where what agents say of themselves tells something and where it does not",
  run(bench: Bench): Promise<Outcome> {
    const seeds = bench.quick ? SEEDS_QUICK : SEEDS;
    const lines = WORLDS.flatMap((world) => {
      const regretOf = (way: string, strategy: Strategy): [string, number] => {
        let sum = 0;
        for (let seed = 0; seed < seeds; seed++) sum += regret(FIRST_SEED + seed, world, strategy);
        return [way, sum / seeds];
      };
      const regrets = new Map(Object.entries(WAYS).map(([way, strategy]) => regretOf(way, strategy)));
      const own = regrets.get("learned weights") ?? Number.NaN;
      return ["fixed weights", "performance"].map((way): Line => {
        const peer = regrets.get(way) ?? Number.NaN;
        const what = `regret where ${world}`;
        const target = { of: "ratio", at: "most", limit: 1 } as const;
        return {
          what,
          value: own,
          unit: "tasks",
          peer: { name: way, value: peer },
          ratio: own / peer,
          ...(way === "fixed weights" && { target }),
        };
      });
    });
    const notes = [
      `${seeds} seeds from ${FIRST_SEED}, ${TASKS} tasks each, ${CANDIDATES} of ${AGENTS} agents free at each; regret: successes lost to the best of them.`,
    ];
    return Promise.resolve({ lines, notes, detail: {} });
  },
};

/** Successes that a strategy loses to the best free agent, expected. */
function regret(seed: number, world: World, strategy: Strategy): number {
  const uniform = mulberry32(seed);
  const draws = mulberry32(seed + 1);
  const asked = Array.from({ length: TYPES }, () => uniform());
  const depth: number[] = [];
  const base: number[][] = [];
  const join = (agent: number): void => {
    depth[agent] = uniform();
    base[agent] = Array.from({ length: TYPES }, () => uniform());
    for (const key of sums.keys()) if (key.startsWith(`${agent}/`)) sums.delete(key);
  };
  const sums = new Map<string, JudgedSums>();
  for (let agent = 0; agent < AGENTS; agent++) join(agent);
  const skill = (agent: number, type: number): number => {
    const nearness = 1 - Math.abs((depth[agent] ?? 0) - (asked[type] ?? 0));
    const own = base[agent]?.[type] ?? 0;
    return world === "persona tells" ? 0.1 + 0.7 * nearness + 0.15 * own : 0.3 + 0.6 * own;
  };
  const shown = (key: string) => judgedEvidence(sums.get(key) ?? NO_SUMS);
  let lost = 0;
  for (let at = 1; at <= TASKS; at++) {
    const type = Math.floor(uniform() * TYPES);
    const free = new Set<number>();
    while (free.size < CANDIDATES) free.add(Math.floor(uniform() * AGENTS));
    const candidates = [...free].map((agent): RoutingCandidate => ({
      agent: String(agent),
      asked: 0,
      offered: 0,
      evidence: { pair: shown(`${agent}/${type}`), agent: shown(`${agent}/`), type: shown(`/${type}`) },
      declared: null,
      persona: { analytical_depth: depth[agent] },
      busy: 0,
      capacity: 1,
      cost: null,
      context: [],
      servedAt: null,
      failuresInRow: 0,
      restedMs: 0,
    }));
    const persona = { analytical_depth: asked[type] };
    const chosen = Number(ranked(candidates, { strategy, persona, uniform: draws })[0]?.agent);
    lost += Math.max(...[...free].map((agent) => skill(agent, type))) - skill(chosen, type);
    const observation = { success: uniform() < skill(chosen, type) ? 1 : 0, durationMs: 60_000 };
    for (const key of [`${chosen}/${type}`, `${chosen}/`, `/${type}`])
      sums.set(key, added(sums.get(key) ?? NO_SUMS, observation));
    if (at % LEAVES_EVERY === 0) join(Math.floor(uniform() * AGENTS));
  }
  return lost;
}
