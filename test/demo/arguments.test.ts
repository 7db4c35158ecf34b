import { expect, test } from "vitest";
import { argumentsOf, numberOf } from "../support/servers/arguments.js";

const PROGRAM = { program: "demo", usage: "npm run demo" };

test("a number is taken as it is written", () => {
  expect(argumentsOf(PROGRAM, () => numberOf("pace", "0.5"))).toBe(0.5);
});

test.each(["", " ", "x", "-1", "Infinity", "1e999"])("%j is no number of anything", (text) => {
  expect(() => numberOf("pace", text)).toThrow(`--pace takes a number from 0 on, and "${text}" is none`);
});

test("reports bugs as internal errors", () => {
  const wrong = new RangeError("out of bounds");
  expect(() =>
    argumentsOf(PROGRAM, () => {
      throw wrong;
    }),
  ).toThrow(wrong);
});
