import { describe, expect, test } from "vitest";
import {
  dueStart,
  MADE_UP_MAX,
  nextAfter,
  recurrenceProblem,
  upcoming,
} from "../../../src/engine/schedules/occurrences.js";
import { iso } from "../../../src/base/time.js";

const at = (text: string): number => Date.parse(text);
const HALF_PAST_TWO = { cron: "30 2 * * *", timezone: "Europe/Berlin" };
const isoOf = (starts: readonly number[]): string[] => starts.map(iso);

describe("starts by a cron expression", () => {
  test("start at the end of the hour that is left out when clocks go forward", () => {
    expect(isoOf(upcoming(HALF_PAST_TWO, at("2026-03-27T12:00Z"), 3))).toEqual([
      "2026-03-28T01:30:00.000Z",
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
  });

  test("come once where the clock shows their time twice, and each hour where the expression says so", () => {
    expect(isoOf(upcoming(HALF_PAST_TWO, at("2026-10-24T12:00Z"), 2))).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
    const hourly = upcoming({ cron: "0 * * * *", timezone: "Europe/Berlin" }, at("2026-10-24T22:30Z"), 6);
    expect(hourly.map((instant, n) => instant - (hourly[n - 1] ?? instant - 3_600_000))).toEqual(
      Array<number>(6).fill(3_600_000),
    );
  });

  test.each([
    ["30 2,14 * * *", ["2026-03-29T01:00:00.000Z", "2026-03-29T12:30:00.000Z"]],
    ["0,30 2 * * *", ["2026-03-29T01:00:00.000Z", "2026-03-30T00:00:00.000Z"]],
    ["30 1-3 * * *", ["2026-03-29T00:30:00.000Z", "2026-03-29T01:00:00.000Z", "2026-03-29T01:30:00.000Z"]],
  ])("of %j miss none when clocks go forward", (cron, starts) => {
    const found = upcoming({ cron, timezone: "Europe/Berlin" }, at("2026-03-28T23:00Z"), starts.length);
    expect(isoOf(found)).toEqual(starts);
  });

  test.each([
    ["30 2,14 * * *", ["2026-10-25T00:30:00.000Z", "2026-10-25T13:30:00.000Z"]],
    ["0,30 2 * * *", ["2026-10-25T00:00:00.000Z", "2026-10-25T00:30:00.000Z", "2026-10-26T01:00:00.000Z"]],
  ])("of %j come once each when clocks go back", (cron, starts) => {
    const found = upcoming({ cron, timezone: "Europe/Berlin" }, at("2026-10-24T22:30Z"), starts.length);
    expect(isoOf(found)).toEqual(starts);
  });

  test.each([
    ["61 * * * *", "UTC", "cron"],
    ["* * *", "UTC", "cron"],
    ["* * * * * *", "UTC", "cron"],
    ["every night", "UTC", "cron"],
    ["0 0 30 2 *", "UTC", "cron"],
    ["0 3 * * *", "Mars/Olympus", "timezone"],
    ["0 3 * * *", "", "timezone"],
  ])("are none for %j in %j, which says so of its %s", (cron, timezone, path) => {
    expect(recurrenceProblem({ cron, timezone }, at("2026-11-30T00:00Z"))?.path).toBe(path);
  });

  test.each(["@daily", "0 6 * * MON-FRI", "*/5 8-18 * * 1-5", "0 0 L * *", "0 0 * * 7"])("are read of %j", (cron) => {
    expect(recurrenceProblem({ cron, timezone: "America/New_York" }, 0)).toBeUndefined();
  });
});

describe("a start that is due", () => {
  const daily = { cron: "0 3 * * *", timezone: "UTC" };
  const dueAt = at("2026-11-01T03:00Z");
  const on = (day: number, hour = 3): number => Date.UTC(2026, 10, day, hour);

  test("is made by every policy where it comes in time", () => {
    for (const missed of ["skip", "once", "all"] as const)
      expect(dueStart(daily, missed, { dueAt, now: dueAt + 5_000 })).toEqual({
        startsFor: dueAt,
        skippedFrom: null,
        nextAt: on(2),
      });
  });

  test("is none, one or the first of several after three days without a process", () => {
    const late = { dueAt, now: on(3, 12) };
    expect(dueStart(daily, "skip", late)).toEqual({ startsFor: null, skippedFrom: dueAt, nextAt: on(4) });
    expect(dueStart(daily, "once", late)).toEqual({ startsFor: on(3), skippedFrom: dueAt, nextAt: on(4) });
    expect(dueStart(daily, "all", late)).toEqual({ startsFor: dueAt, skippedFrom: null, nextAt: on(2) });
  });

  test("is made by skip too where only earlier ones were missed", () => {
    expect(dueStart(daily, "skip", { dueAt, now: on(3) + 5_000 })).toEqual({
      startsFor: on(3),
      skippedFrom: dueAt,
      nextAt: on(4),
    });
  });

  test("is one of the last hundred where each is made up for", () => {
    const minutely = { cron: "* * * * *", timezone: "UTC" };
    const now = dueAt + 1_000 * 60_000;
    const { startsFor, skippedFrom, nextAt } = dueStart(minutely, "all", { dueAt, now });
    expect([now - (startsFor ?? 0), skippedFrom]).toEqual([(MADE_UP_MAX - 1) * 60_000, dueAt]);
    expect(nextAt).toBe(nextAfter(minutely, startsFor ?? 0));
  });
});
