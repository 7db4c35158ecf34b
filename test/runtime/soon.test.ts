import { expect, test } from "vitest";
import { soon } from "../../src/runtime/soon.js";

const LATER_MS = 3_600_000;

test("what is asked for at several times is done once, at the earliest", async () => {
  let done = 0;
  await new Promise<void>((resolve) => {
    const ask = soon(() => {
      done += 1;
      resolve();
    }, LATER_MS);
    ask();
    ask(1);
    ask(5);
    ask();
  });
  expect(done).toBe(1);
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
