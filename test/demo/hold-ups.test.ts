import { expect, onTestFinished, test } from "vitest";
import { HoldUps } from "../../demo/hold-ups.js";

test("for how long a process could not run is known", () => {
  const holdUps = new HoldUps();
  onTestFinished(() => holdUps.close());
  const from = performance.now();
  while (performance.now() - from < 500);
  expect(holdUps.totalMs).toBeGreaterThan(200);
  expect(holdUps.totalMs).toBeLessThanOrEqual(performance.now() - from);
});
