import { expect, test } from "vitest";
import { sortableIds } from "../../src/runtime/ids.js";
import { seededRandom } from "../../src/runtime/random.js";

const HOUR = 3_600_000;

test("an id sorts after the one before it, also where the clock goes back", () => {
  const ids = sortableIds(seededRandom(1));
  const made = [5_000, 5_000, 4_000, 5_001, 1, 6_000].map((now) => ids.next("run", now));
  expect(made).toEqual(made.toSorted());
  expect(new Set(made).size).toBe(made.length);
});

test("an id sorts after another's, made where the clock is ahead, and so do those that follow", () => {
  const [here, ahead] = [sortableIds(seededRandom(1)), sortableIds(seededRandom(2))];
  const parent = ahead.next("run", HOUR);
  expect(here.next("run", 1_000) < parent).toBe(true);
  const made = [
    here.next("run", 1_000, parent),
    here.next("run", 1_001),
    here.next("task", 1_002).replace("task", "run"),
  ];
  expect([parent, ...made]).toEqual([parent, ...made].toSorted());
});
