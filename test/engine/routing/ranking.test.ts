import { describe, expect, test } from "vitest";
import { mulberry32 } from "../../../src/base/numbers/mulberry32.js";
import { added, type JudgedSums, NO_EVIDENCE, NO_SUMS } from "../../../src/engine/belief/belief.js";
import { ranked } from "../../../src/engine/routing/ranking.js";
import { sampledBeta } from "../../../src/engine/routing/sampling.js";
import { type RoutingCandidate, personaMatch, specializationOf } from "../../../src/engine/routing/scoring.js";
import { OF_GOAL, OF_MODE, STRATEGIES, type Strategy } from "../../../src/engine/routing/strategies.js";

const NEWCOMER: Omit<RoutingCandidate, "agent"> = {
  asked: 1,
  offered: 1,
  evidence: { pair: NO_EVIDENCE, agent: NO_EVIDENCE, type: NO_EVIDENCE },
  declared: null,
  persona: {},
  busy: 0,
  capacity: 1,
  cost: null,
  context: [],
  servedAt: null,
  failuresInRow: 0,
  restedMs: 0,
};

function shown(successes: number, failures: number, durationMs = 60_000): RoutingCandidate["evidence"] {
  let pair: JudgedSums = NO_SUMS;
  for (let at = 0; at < successes; at++) pair = added(pair, { success: 1, durationMs });
  for (let at = 0; at < failures; at++) pair = added(pair, { success: 0, durationMs });
  return { pair, agent: pair, type: NO_EVIDENCE };
}

function firstBy(
  strategy: Strategy,
  candidates: Readonly<Record<string, Partial<RoutingCandidate>>>,
  uniform?: () => number,
) {
  const list = Object.entries(candidates).map(([agent, facts]) => ({ ...NEWCOMER, ...facts, agent }));
  return ranked(list, { strategy, persona: { analytical_depth: 0.9 }, uniform: uniform ?? null })[0]?.agent;
}

/** Four agents, of which each is the best in a way of its own. */
const CREW = {
  good: { evidence: shown(60, 1, 600_000), busy: 3, capacity: 4, cost: 4, servedAt: 4 },
  quick: { evidence: shown(30, 10, 20_000), busy: 2, capacity: 4, cost: 4, servedAt: 3 },
  cheap: { evidence: shown(30, 10, 600_000), busy: 2, capacity: 4, cost: 0.1, servedAt: 2 },
  idle: { evidence: shown(30, 12, 600_000), busy: 0, capacity: 4, cost: 4, servedAt: 5 },
  deep: {
    evidence: shown(30, 12, 600_000),
    busy: 2,
    capacity: 4,
    cost: 4,
    servedAt: 6,
    persona: { analytical_depth: 0.9 },
  },
  skilled: { evidence: shown(30, 12, 600_000), busy: 3, capacity: 4, cost: 4, servedAt: 7, declared: 1, context: [1] },
  last: { evidence: shown(30, 12, 600_000), busy: 3, capacity: 4, cost: 4, servedAt: 1 },
};

describe("the ranking of agents for a task", () => {
  test.each([
    ["performance", STRATEGIES.performance, "good"],
    ["load_balanced", STRATEGIES.load_balanced, "idle"],
    ["persona_cognitive_match", STRATEGIES.persona_cognitive_match, "deep"],
    ["cost_optimized", STRATEGIES.cost_optimized, "cheap"],
    ["round_robin", STRATEGIES.round_robin, "last"],
    ["the goal speed", OF_GOAL.speed, "quick"],
    ["the goal cost", OF_GOAL.cost, "cheap"],
    ["the goal quality", OF_GOAL.quality, "good"],
    ["the mode high_performance", OF_MODE["high_performance"], "quick"],
    ["the mode fault_tolerant", OF_MODE["fault_tolerant"], "good"],
    ["the mode resource_aware", OF_MODE["resource_aware"], "cheap"],
  ] as const)("by %s puts the agent first that is best in that", (_, strategy, agent) => {
    expect(strategy && firstBy(strategy, CREW)).toBe(agent);
  });

  test("by capability follows what agents declare", () => {
    const word = { able: { declared: 0.9 }, unable: { declared: 0.1 } };
    expect(firstBy(STRATEGIES.capability, word)).toBe("able");
  });

  test("by adaptive follows the persona of agents at first, and what they have shown later", () => {
    const match = { persona: { analytical_depth: 0.9 } };
    const other = { persona: { analytical_depth: 0.2 } };
    expect(firstBy(STRATEGIES.adaptive, { match, other })).toBe("match");
    const proved = { ...other, evidence: shown(40, 0) };
    expect(firstBy(STRATEGIES.adaptive, { match: { ...match, evidence: shown(10, 30) }, other: proved })).toBe("other");
  });

  test("by adaptive counts what agents say of themselves by how far it went with their success", () => {
    const deep = { persona: { analytical_depth: 0.9 } };
    const shallow = { persona: { analytical_depth: 0.2 } };
    const [good, bad] = [shown(30, 3), shown(3, 30)];
    const newcomers = { idleShallow: shallow, busyDeep: { ...deep, busy: 2, capacity: 4 } };
    const crew = (ofDeep: typeof good, ofShallow: typeof good) => ({
      d1: { ...deep, evidence: ofDeep, failuresInRow: 5 },
      d2: { ...deep, evidence: ofDeep, failuresInRow: 5 },
      s1: { ...shallow, evidence: ofShallow, failuresInRow: 5 },
      s2: { ...shallow, evidence: ofShallow, failuresInRow: 5 },
      ...newcomers,
    });
    const newcomerBy = (ofDeep: typeof good, ofShallow: typeof good) => {
      const list = Object.entries(crew(ofDeep, ofShallow)).map(([agent, facts]) => ({ ...NEWCOMER, ...facts, agent }));
      const terms = { strategy: STRATEGIES.adaptive, persona: { analytical_depth: 0.9 }, uniform: null };
      return ranked(list, terms).find(({ agent }) => agent in newcomers)?.agent;
    };
    expect(newcomerBy(good, bad)).toBe("busyDeep");
    expect(newcomerBy(bad, good)).toBe("idleShallow");
    expect(newcomerBy(good, good)).toBe("idleShallow");
  });

  test("by fault_tolerant tries no newcomer beside a proved agent, and by performance sometimes does", () => {
    const crew = { proved: { evidence: shown(16, 4) }, newcomer: {} };
    const uniform = mulberry32(7);
    const firsts = (strategy: Strategy | undefined): Set<string | undefined> =>
      new Set(Array.from({ length: 200 }, () => strategy && firstBy(strategy, crew, uniform)));
    expect(firsts(OF_MODE["fault_tolerant"])).toEqual(new Set(["proved"]));
    expect(firsts(STRATEGIES.performance)).toEqual(new Set(["proved", "newcomer"]));
  });

  test("leaves a good agent that has begun to fail, and tries it again after a rest", () => {
    const second = { evidence: shown(80, 20) };
    const broken = { evidence: shown(95, 5), failuresInRow: 5, restedMs: 0 };
    expect(firstBy(STRATEGIES.performance, { broken, second })).toBe("second");
    expect(firstBy(STRATEGIES.performance, { broken: { ...broken, restedMs: 86_400_000 }, second })).toBe("broken");
    expect(firstBy(STRATEGIES.performance, { broken: { ...broken, failuresInRow: 0 }, second })).toBe("broken");
  });

  test("counts an agent that does not reach the quality asked for the less, the further it is from it", () => {
    const crew = { idle: { evidence: shown(20, 20) }, busy: { evidence: shown(40, 1), busy: 3, capacity: 4 } };
    const list = Object.entries(crew).map(([agent, facts]) => ({ ...NEWCOMER, ...facts, agent }));
    const first = (quality?: number) =>
      ranked(list, { strategy: STRATEGIES.load_balanced, persona: {}, quality, uniform: null })[0];
    expect([first()?.agent, first(0.4)?.agent]).toEqual(["idle", "idle"]);
    const [idle] = ranked(list, { strategy: STRATEGIES.performance, persona: {}, quality: 1, uniform: null }).slice(-1);
    expect(idle?.parts.quality).toBeCloseTo(0.5, 1);
  });

  test("is the same for the same facts without a source of chance, equal agents by name", () => {
    expect(firstBy(STRATEGIES.adaptive, { ben: {}, ann: {} })).toBe("ann");
  });
});

describe("parts of a score", () => {
  test("take a declared specialisation for what evidence makes of it", () => {
    const boast = { declared: 1, evidence: NEWCOMER.evidence };
    expect(specializationOf(boast)).toBeGreaterThan(0.9);
    expect(specializationOf({ ...boast, evidence: shown(2, 38) })).toBeLessThan(0.25);
  });

  test("match a persona by nearness, and one that does not say by half", () => {
    const asked = { cognitive_style: "analytical", creativity: 0.2 };
    expect(personaMatch(asked, { cognitive_style: "analytical", creativity: 0.2 })).toBe(1);
    expect(personaMatch(asked, { cognitive_style: "intuitive", creativity: 0.7 })).toBe(0.25);
    expect(personaMatch(asked, {})).toBe(0.5);
    expect(personaMatch({}, {})).toBe(1);
  });

  test("draw from a Beta distribution with its mean and variance", () => {
    const uniform = mulberry32(3);
    const draws = Array.from({ length: 20_000 }, () => sampledBeta({ alpha: 0.8, beta: 2.4 }, uniform));
    const mean = draws.reduce((sum, one) => sum + one, 0) / draws.length;
    const variance = draws.reduce((sum, one) => sum + (one - mean) ** 2, 0) / draws.length;
    expect(mean).toBeCloseTo(0.25, 2);
    expect(variance).toBeCloseTo((0.25 * 0.75) / 4.2, 2);
  });
});
