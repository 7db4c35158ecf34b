import { assert, nat, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { quantile } from "../../../src/base/numbers/log-normal.js";
import {
  added,
  durationBelief,
  type JudgedSums,
  judgedEvidence,
  NO_EVIDENCE,
  NO_SUMS,
  successBelief,
} from "../../../src/engine/belief/belief.js";

function evidenceOf(successes: number, failures: number, durationMs = 60_000): JudgedSums {
  let evidence = NO_SUMS;
  for (let at = 0; at < successes; at++) evidence = added(evidence, { success: 1, durationMs });
  for (let at = 0; at < failures; at++) evidence = added(evidence, { success: 0, durationMs });
  return evidence;
}

const meanOf = ({ alpha, beta }: { alpha: number; beta: number }): number => alpha / (alpha + beta);
const NONE = { pair: NO_EVIDENCE, agent: NO_EVIDENCE, type: NO_EVIDENCE };

describe("evidence", () => {
  test("counts a judgement for four attempts, a half good one to both sides", () => {
    const sums = added(NO_SUMS, { success: 0.5, judged: true });
    expect(sums).toMatchObject({ successes: 0.5, failures: 0.5, judged: 1, quality: 0.5, durations: 0 });
    expect(judgedEvidence(sums)).toMatchObject({ successes: 2, failures: 2 });
  });

  test("counts a duration without a verdict as a duration only", () => {
    expect(added(NO_SUMS, { durationMs: 0 })).toEqual({ ...NO_SUMS, durations: 1 });
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
    expect(Math.exp(unseen.mean)).toBeLessThan(2_000);
    const slow = durationBelief({ pair: evidenceOf(50, 0, 4_000), agent: evidenceOf(50, 0, 4_000), type });
    expect(Math.exp(slow.mean)).toBeGreaterThan(3_000);
    expect(slow.weight).toBeGreaterThan(unseen.weight);
  });

  test("is wide without evidence", () => {
    const belief = durationBelief(NONE);
    expect(Math.exp(belief.mean)).toBeCloseTo(600_000, 3);
    expect(quantile(belief, 0.9) / quantile(belief, 0.1)).toBeGreaterThan(100);
  });
});
