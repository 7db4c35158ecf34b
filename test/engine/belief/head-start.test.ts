import { expect, test } from "vitest";
import { type Evidence, NO_EVIDENCE } from "../../../src/engine/belief/belief.js";
import { isClearlyBetter } from "../../../src/engine/belief/head-start.js";

const shown = (successes: number, failures: number): Evidence => ({ ...NO_EVIDENCE, successes, failures });

test("an agent is clearly better from three attempts of each and five points on, and never both ways", () => {
  expect(isClearlyBetter(shown(9, 1), shown(5, 5))).toBe(true);
  expect(isClearlyBetter(shown(5, 5), shown(9, 1))).toBe(false);
  expect(isClearlyBetter(shown(9, 1), shown(8.8, 1.2))).toBe(false);
  expect(isClearlyBetter(shown(9, 1), shown(0, 2.9))).toBe(false);
  expect(isClearlyBetter(shown(2.9, 0), shown(0, 9))).toBe(false);
  expect(isClearlyBetter(shown(3, 0), shown(0, 3))).toBe(true);
});
