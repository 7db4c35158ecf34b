import { expect, test } from "vitest";
import { soon } from "../../src/runtime/soon.js";
import { bestOfFew } from "../support/in-time.js";

test("requests at several times run at the earliest and at the latest of them", () =>
  bestOfFew(async (inTime) => {
    const times: number[] = [];
    const from = performance.now();
    await new Promise<void>((resolve) => {
      const ask = soon(() => {
        if (times.push(performance.now()) === 2) resolve();
      }, 3_600_000);
      ask(40);
      ask(1);
      ask(20);
    });
    const [first = Number.NaN, second = Number.NaN] = times;
    expect(second - from).toBeGreaterThanOrEqual(35);
    inTime(20, performance.now() - (first - from));
  }));

test("a request after the work was done runs it again", async () => {
  const waiting: (() => void)[] = [];
  const ask = soon(() => waiting.shift()?.(), 0);
  for (const turn of ["first", "second"]) {
    const done = new Promise<string>((resolve) => waiting.push(() => resolve(turn)));
    ask();
    expect(await done).toBe(turn);
  }
});
