import { expect, test } from "vitest";
import { WriteFairness } from "../../../src/store/sqlite/fairness.js";

const half = { next: () => 0.5 };

let now = 0;
const turnsOf = (random: { next(): number }): WriteFairness => new WriteFairness(random, () => now);

test("a process that is alone with the file never leaves it", () => {
  const turns = turnsOf(half);
  for (let n = 0; n < 100; n++) {
    expect(turns.leaveMs()).toBe(0);
    turns.began();
    now += 1;
  }
});

/** The instants within 24 ms at which a process that writes all the time leaves the file. */
function leavesAt(turns: WriteFairness): number[] {
  const left: number[] = [];
  for (let ms = 0; ms < 24; ms++) {
    if (turns.leaveMs() > 0) left.push(ms);
    turns.began();
    now += 1;
  }
  return left;
}

test("where another writes too, a process writes for 8 ms, leaves the file, and begins another turn", () => {
  const turns = turnsOf(half);
  turns.pauseMs(0);
  expect(leavesAt(turns)).toEqual([8, 16]);
});

test("where it had to wait as one of many, its turns are as long, and it leaves the file for longer", () => {
  const [few, crowd] = [turnsOf(half), turnsOf(half)];
  few.pauseMs(0);
  crowd.pauseMs(20);
  expect(leavesAt(crowd)).toEqual([8, 16]);
  for (const turns of [few, crowd]) turns.began();
  now += 8;
  expect([few.leaveMs(), crowd.leaveMs()]).toEqual([3, 4]);
});

test("half a second after the last refusal the file counts as its own again", () => {
  const turns = turnsOf(half);
  turns.pauseMs(0);
  turns.began();
  now += 499;
  expect(turns.leaveMs()).toBeGreaterThan(0);
  turns.began();
  now += 9;
  expect(turns.leaveMs()).toBe(0);
});

test("among few a call asks again soon; in a crowd seldom, then ever more often the longer it has waited", () => {
  const turns = turnsOf(half);
  expect([0, 2, 19].map((waitedMs) => turns.pauseMs(waitedMs))).toEqual([2, 2, 2]);
  turns.pauseMs(20);
  expect([0, 25, 50, 75, 100, 5_000].map((waitedMs) => turns.pauseMs(waitedMs))).toEqual([16, 12.5, 9, 5.5, 2, 2]);
  now += 501;
  expect(turns.pauseMs(0)).toBe(2);
});

test("pauses differ by chance, so that two who were refused together do not ask together for ever", () => {
  expect(turnsOf({ next: () => 0 }).pauseMs(0)).toBe(1);
  expect(turnsOf({ next: () => 0.999 }).pauseMs(0)).toBeCloseTo(3, 1);
});
