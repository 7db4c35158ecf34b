import { assert, nat, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  added,
  decayed,
  durationBelief,
  type Evidence,
  NO_EVIDENCE,
  successBelief,
} from "../../../src/engine/routing/belief.js";

const DAY = 86_400_000;

function evidenceOf(successes: number, failures: number, durationMs = 60_000): Evidence {
  let evidence = NO_EVIDENCE;
  for (let at = 0; at < successes; at++) evidence = added(evidence, { success: 1, durationMs });
  for (let at = 0; at < failures; at++) evidence = added(evidence, { success: 0, durationMs });
  return evidence;
}

const meanOf = ({ alpha, beta }: { alpha: number; beta: number }): number => alpha / (alpha + beta);
const NONE = { pair: NO_EVIDENCE, agent: NO_EVIDENCE, type: NO_EVIDENCE };

describe("evidence", () => {
  test("weighs half after its half-life, in one step or in many", () => {
    const evidence = evidenceOf(6, 2);
    expect(decayed(evidence, DAY, DAY)).toMatchObject({ successes: 3, failures: 1, durations: 4 });
    const twice = decayed(decayed(evidence, DAY / 2, DAY), DAY / 2, DAY);
    expect(twice.successes).toBeCloseTo(3, 10);
    expect(decayed(evidence, DAY, null)).toEqual(evidence);
    expect(decayed(evidence, -DAY, DAY)).toEqual(evidence);
  });

  test("counts a success of half the quality to both sides", () => {
    expect(added(NO_EVIDENCE, { success: 0.5, weight: 2 })).toMatchObject({ successes: 1, failures: 1, durations: 0 });
  });

  test("counts a duration without a verdict as a duration only", () => {
    expect(added(NO_EVIDENCE, { durationMs: 0 })).toEqual({ ...NO_EVIDENCE, durations: 1 });
  });
});

describe("belief of success", () => {
  test("backs off from the pair to the agent, to the type, to the prior", () => {
    const prior = meanOf(successBelief(NONE));
    const byType = meanOf(successBelief({ ...NONE, type: evidenceOf(2, 18) }));
    const byAgent = meanOf(successBelief({ ...NONE, type: evidenceOf(2, 18), agent: evidenceOf(30, 1) }));
    const byPair = meanOf(
      successBelief({ type: evidenceOf(2, 48), agent: evidenceOf(30, 31), pair: evidenceOf(0, 30) }),
    );
    expect(prior).toBe(0.8);
    expect(byType).toBeLessThan(0.25);
    expect(byAgent).toBeGreaterThan(0.8);
    expect(byPair).toBeLessThan(0.1);
  });

  test("stays wide for a pair that has shown nothing, however much the wider groups have", () => {
    const { alpha, beta } = successBelief({ ...NONE, type: evidenceOf(900, 100), agent: evidenceOf(90, 10) });
    expect(alpha + beta).toBeCloseTo(4, 10);
  });

  test("rises with a success and falls with a failure, whatever there was before", () => {
    const counts = nat({ max: 200 });
    assert(
      property(
        record({ successes: counts, failures: counts, elsewhere: counts, others: counts }),
        ({ successes, failures, elsewhere, others }) => {
          const pair = evidenceOf(successes, failures);
          const levels = {
            pair,
            agent: evidenceOf(successes + elsewhere, failures),
            type: evidenceOf(successes, failures + others),
          };
          const mean = meanOf(successBelief(levels));
          expect(meanOf(successBelief({ ...levels, pair: added(pair, { success: 1 }) }))).toBeGreaterThan(mean);
          expect(meanOf(successBelief({ ...levels, pair: added(pair, { success: 0 }) }))).toBeLessThan(mean);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("belief of duration", () => {
  test("is the median of the pair once it has shown enough, and that of the type before", () => {
    const type = evidenceOf(200, 0, 1_000);
    const unseen = durationBelief({ ...NONE, agent: evidenceOf(50, 0, 3_600_000), type });
    expect(Math.exp(unseen.mu)).toBeLessThan(2_000);
    const slow = durationBelief({ pair: evidenceOf(50, 0, 4_000), agent: evidenceOf(50, 0, 4_000), type });
    expect(Math.exp(slow.mu)).toBeGreaterThan(3_000);
    expect(slow.weight).toBeGreaterThan(unseen.weight);
  });

  test("is wide without evidence", () => {
    const { mu, sigma, weight } = durationBelief(NONE);
    expect(Math.exp(mu)).toBeCloseTo(600_000, 3);
    expect(sigma * Math.sqrt(1 + 1 / weight)).toBeGreaterThan(1);
  });
});
