import { expect, test } from "vitest";
import { soon } from "../../src/runtime/soon.js";

test("what is asked for at several times is done at the earliest and at the latest of them", async () => {
  const times: number[] = [];
  await new Promise<void>((resolve) => {
    const ask = soon(() => {
      if (times.push(performance.now()) === 2) resolve();
    }, 3_600_000);
    ask(40);
    ask(1);
    ask(20);
  });
  const [first = 0, second = 0] = times;
  expect(second - first).toBeGreaterThanOrEqual(30);
});

test("what is asked for again after it was done is done again", async () => {
  const waiting: (() => void)[] = [];
  const ask = soon(() => waiting.shift()?.(), 0);
  for (const turn of ["first", "second"]) {
    const done = new Promise<string>((resolve) => waiting.push(() => resolve(turn)));
    ask();
    expect(await done).toBe(turn);
  }
});
