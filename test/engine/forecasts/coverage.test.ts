import { describe, expect, test } from "vitest";
import { outcomesOf, scoreOf } from "../../../bench/loads/spending.js";

// `npm run bench -- forecasts` is the long form, with the worlds that are not log-normal.

describe("forecasts in worlds whose true costs are known", () => {
  const outcomes = [20, 50, 100, 300].flatMap((history) =>
    Array.from({ length: 30 }, (_, seed) => outcomesOf({ seed: 10_000 + seed, kind: "log-normal", history })).flat(),
  );

  test.each(["task", "run"] as const)("80 %% intervals of a %s hold, and lose less than the global median", (of) => {
    const score = scoreOf(outcomes.filter((one) => one.of === of));
    expect(score.covered).toBeGreaterThan(0.75);
    expect(score.covered).toBeLessThan(0.85);
    expect(score.pinball).toBeLessThan(0.75 * score.pinballOfMedian);
    expect(score.pinball).toBeLessThan(score.pinballOfGlobal);
  });
});
