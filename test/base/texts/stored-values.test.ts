import { describe, expect, test } from "vitest";
import { flawsOf, startOf, storableText } from "../../../src/base/texts/stored-values.js";

const MAX = 1_000;

describe("the check of stored values", () => {
  test.each([
    "-old\r\n+new\r\n",
    "שלום\u200f",
    "\u001b[0m",
    "\u202eabc\u202c",
    "\u{E0041}",
    "👩‍💻",
    "\u007f\u0085\u2028",
    "",
  ])("passes %j", (text) => {
    expect(flawsOf({ [text]: [text, { deep: text }] }, MAX)).toEqual([]);
  });

  test.each([
    [{ result: { patch: "a\0b" } }, ["result", "patch"], "NUL character (character 2)"],
    [{ "k\0ey": 1, key: 2 }, ["k\0ey"], "has a name that holds a NUL character"],
    [["ok", "\ud800x"], [1], "\\ud800, character 1"],
    [{ a: "💥\udfff" }, ["a"], "\\udfff, character 3"],
    [{ id: 2 ** 53 }, ["id"], "beyond 9007199254740991"],
    [{ id: -(2 ** 53) }, ["id"], "write it as text"],
    [{ e: JSON.parse("1e400") as number }, ["e"], "not a number that JSON can hold"],
    [[Number.NaN], [0], "not a number that JSON can hold"],
    [{ b: 1n << 70n }, ["b"], "write it as text"],
  ])("refuses a part of %o with its place", (value, path, message) => {
    expect(flawsOf(value, MAX)).toEqual([{ path, message: expect.stringContaining(message) as string }]);
  });

  test("holds what JSON can hold exactly", () => {
    expect(flawsOf([9_007_199_254_740_991, -9_007_199_254_740_991, 0.1, 1e-300, null, true], MAX)).toEqual([]);
  });

  test("looks no further than its bounds", () => {
    const shared = { text: "x".repeat(100) };
    // Each level holds the one below it ten times: 10^40 texts if it were walked to its end.
    const doubled = Array.from({ length: 40 }).reduce<unknown>(
      (below) => Array.from({ length: 10 }, () => below),
      shared,
    );
    expect(flawsOf(doubled, 100_000).at(-1)).toMatchObject({ limit: "bytes" });
    const deep = Array.from({ length: 5_000 }).reduce<unknown>((below) => [below], 1);
    expect(flawsOf(deep, MAX)).toMatchObject([{ limit: "depth" }]);
  });

  test("counts bytes as UTF-8 and stops at the first above the bound", () => {
    expect(flawsOf("ü".repeat(499), MAX)).toEqual([]);
    expect(flawsOf("ü".repeat(500), MAX)).toMatchObject([{ limit: "bytes" }]);
  });
});

test("texts are cut between characters", () => {
  expect(startOf("a💥b", 2)).toBe("a");
  expect(startOf("a💥b", 3)).toBe("a💥");
});

test("texts that the server words show what cannot be stored as marks", () => {
  expect(storableText("a\0b\ud800c💥")).toBe("a\\u0000b\\ud800c💥");
});
