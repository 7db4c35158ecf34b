import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Turns } from "../../src/store/turns.js";

const half = { next: () => 0.5 };

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

test("a process that is alone with the file never leaves it", () => {
  const turns = new Turns(half);
  for (let n = 0; n < 100; n++) {
    expect(turns.leaveMs()).toBe(0);
    turns.began();
    vi.advanceTimersByTime(1);
  }
});

test("where others write too, a process writes for 4 ms, leaves the file, and begins another turn", () => {
  const turns = new Turns(half);
  turns.pauseMs(1, 0);
  const left: number[] = [];
  for (let ms = 0; ms < 20; ms++) {
    const leaveMs = turns.leaveMs();
    if (leaveMs > 0) left.push(ms);
    turns.began();
    vi.advanceTimersByTime(1);
  }
  expect(left).toEqual([4, 8, 12, 16]);
});

test("half a second after the last refusal the file counts as its own again", () => {
  const turns = new Turns(half);
  turns.pauseMs(1, 0);
  turns.began();
  vi.advanceTimersByTime(499);
  expect(turns.leaveMs()).toBeGreaterThan(0);
  turns.began();
  vi.advanceTimersByTime(5);
  expect(turns.leaveMs()).toBe(0);
});

test("a call asks again soon, then seldom, then ever more often the longer it has waited", () => {
  const turns = new Turns(half);
  expect([1, 2, 3].map((tries) => turns.pauseMs(tries, 2))).toEqual([2, 2, 2]);
  expect([0, 25, 50, 75, 100, 5_000].map((waitedMs) => turns.pauseMs(4, waitedMs))).toEqual([16, 12.5, 9, 5.5, 2, 2]);
});

test("pauses differ by chance, so that two who were refused together do not ask together for ever", () => {
  const low = new Turns({ next: () => 0 });
  const high = new Turns({ next: () => 0.999 });
  expect(low.pauseMs(9, 0)).toBe(8);
  expect(high.pauseMs(9, 0)).toBeCloseTo(24, 0);
});
