import { expect, test } from "vitest";
import { bestOfFew } from "../support/in-time.js";

const longAgo = () => performance.now() - 1_000;

test("a late try is repeated until a try is in time", async () => {
  let tries = 0;
  await bestOfFew(async (inTime) => {
    tries += 1;
    inTime(500, tries < 3 ? longAgo() : performance.now());
  });
  expect(tries).toBe(3);
});

test("a check that is late each time has failed", async () => {
  await expect(bestOfFew(async (inTime) => inTime(500, longAgo()))).rejects.toThrow("the bound is 500 ms");
  await expect(bestOfFew(async (inTime) => inTime(500, Number.NaN))).rejects.toThrow("the bound is 500 ms");
});

test("any other failure is not tried again", async () => {
  let tries = 0;
  const failing = bestOfFew(async () => {
    tries += 1;
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(tries).toBe(1);
});
