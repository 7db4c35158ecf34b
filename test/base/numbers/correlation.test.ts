import { expect, test } from "vitest";
import { correlation } from "../../../src/base/numbers/correlation.js";

test("correlation is 1 along a rising line, -1 along a falling one, and counts each pair by its weight", () => {
  expect(correlation([1, 2, 3], [10, 20, 30], [1, 5, 2])).toBeCloseTo(1);
  expect(correlation([1, 2, 3], [3, 2, 1], [1, 1, 1])).toBeCloseTo(-1);
  // Against the two formulas written out for doubled pairs.
  expect(correlation([1, 2, 4], [1, 3, 2], [2, 1, 1])).toBeCloseTo(
    correlation([1, 1, 2, 4], [1, 1, 3, 2], [1, 1, 1, 1]) ?? Number.NaN,
  );
});

test("correlation is not known where one of both never varies, or nothing has weight", () => {
  expect(correlation([1, 1, 1], [1, 2, 3], [1, 1, 1])).toBeUndefined();
  expect(correlation([1, 2], [1, 2], [0, 0])).toBeUndefined();
});
