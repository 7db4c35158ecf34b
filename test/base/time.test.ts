import { expect, test } from "vitest";
import { parseInstant } from "../../src/base/time.js";

test.each([
  ["2030-01-01T10:00:00Z", "2030-01-01T10:00:00.000Z"],
  ["2030-01-01T10:00Z", "2030-01-01T10:00:00.000Z"],
  ["2030-01-01 10:00:00.5+02:00", "2030-01-01T08:00:00.500Z"],
  ["2030-01-01t10:00:00z", "2030-01-01T10:00:00.000Z"],
  ["2030-01-01T10:00:00-0530", "2030-01-01T15:30:00.000Z"],
  ["2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"],
])("%s is an instant", (text, instant) => {
  expect(new Date(parseInstant(text) ?? Number.NaN).toISOString()).toBe(instant);
});

test.each([
  "2030-02-30T10:00:00Z",
  "2030-02-29T10:00:00Z",
  "2030-13-01T10:00:00Z",
  "2030-00-01T10:00:00Z",
  "2030-01-01T24:00:00Z",
  "2030-01-01T10:60:00Z",
  "2030-01-01T10:00:00",
  "2030-01-01",
  "2030",
  "tomorrow",
  "1 Jan 2030 10:00 UTC",
  "+12030-01-01T10:00:00Z",
  "",
])("%j is none", (text) => {
  expect(parseInstant(text)).toBeUndefined();
});
