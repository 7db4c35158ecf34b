import { describe, expect, test } from "vitest";
import { type AgentFacts, phi, predicted } from "../../../src/engine/recovery/prediction.js";
import { seededRandom } from "../../../src/runtime/random.js";

const sound: AgentFacts = { failed: [], silence: null, running: 1, capacity: 1, longest: null };

describe("a prediction", () => {
  test("grows with each sign that stands out, which is a reason of it", () => {
    const none = predicted(sound);
    expect(none).toEqual({ probability: 0.1, reasons: [] });
    const signs: Partial<AgentFacts>[] = [
      { failed: [true, true, false] },
      { silence: { ms: 15_000, everyMs: 5_000 } },
      { longest: { ms: 40_000, typicalMs: 10_000 } },
      { running: 3 },
    ];
    const reasons = signs.map((sign) => {
      const one = predicted({ ...sound, ...sign });
      expect(one.probability).toBeGreaterThan(none.probability);
      return one.reasons;
    });
    expect(reasons).toEqual([
      ["2 of its last 3 attempts failed, 2 of them in a row"],
      ["its process was last heard of 15000 ms ago, which is due every 5000 ms: phi 4.7"],
      ["a task of its takes 4.0 times as long as its tasks took"],
      ["it runs 3 tasks and registered for 1"],
    ]);
  });

  test("suspects a process at phi 8, within four intervals", () => {
    expect(phi(5_000, 5_000)).toBeCloseTo(0.3, 1);
    expect(phi(10_000, 5_000)).toBeLessThan(2);
    expect(phi(20_000, 5_000)).toBeGreaterThan(8);
  });

  // Agents with a hidden state that seldom changes: sound ones fail 5 % of their attempts, others 70 %.
  test("forecasts failures of flapping agents better than their base rate, by the Brier score", () => {
    const scores = [1, 2, 3, 4, 5].map((seed) => brierScores(seed));
    const mean = (of: "own" | "base") => scores.reduce((sum, one) => sum + one[of], 0) / scores.length;
    expect(mean("base")).toBeGreaterThan(0.1);
    expect(mean("own") / mean("base")).toBeLessThan(0.75);
    for (const { own, base } of scores) expect(own).toBeLessThan(base);
  });
});

/** Brier scores of the prediction and of the best constant forecast, over 10,000 attempts of 20 agents. */
function brierScores(seed: number): { own: number; base: number } {
  const random = seededRandom(seed);
  const outcomes: { probability: number; failed: boolean }[] = [];
  for (let agent = 0; agent < 20; agent++) {
    let isSound = random.next() < 0.8;
    let failed: boolean[] = [];
    for (let attempt = 0; attempt < 500; attempt++) {
      if (random.next() < 0.03) isSound = !isSound;
      const { probability } = predicted({ ...sound, failed });
      const fails = random.next() < (isSound ? 0.05 : 0.7);
      outcomes.push({ probability, failed: fails });
      failed = [fails, ...failed].slice(0, 20);
    }
  }
  const rate = outcomes.filter(({ failed }) => failed).length / outcomes.length;
  const score = (forecast: (probability: number) => number) =>
    outcomes.reduce((sum, { probability, failed }) => sum + (forecast(probability) - Number(failed)) ** 2, 0) /
    outcomes.length;
  return { own: score((probability) => probability), base: score(() => rate) };
}
