import { describe, expect, test } from "vitest";
import { hint, isName, nameFrom, nearest, nearestFew } from "../../src/base/names.js";
import { processorMs } from "../support/servers/processor-time.js";

describe("the nearest name", () => {
  test.each([
    ["desing", ["design", "test"], "design"],
    ["Design", ["design"], "design"],
    ["maxParallel", ["max_parallel", "name"], "max_parallel"],
    ["start-to-close", ["start_to_close"], "start_to_close"],
    ["heartbeet", ["heartbeat", "schedule_to_start"], "heartbeat"],
    ["need", ["needs", "key"], "needs"],
    ["zebra", ["design", "test"], undefined],
    ["a", ["b"], "b"],
    ["timeout", ["cursor", "timeout_seconds"], "timeout_seconds"],
    ["time", ["timeout_seconds"], undefined],
    ["x", [], undefined],
  ])("%s among %j is %s", (name, candidates, expected) => {
    expect(nearest(name, candidates)).toBe(expected);
  });

  test("among equals the first, the closest before the others", () => {
    expect(nearest("tast", ["test", "task"])).toBe("test");
    expect(nearestFew("tests", ["beets", "test", "tests-2", "tests"], 3)).toEqual(["tests", "test", "tests-2"]);
  });

  test("a hint ends a sentence or is nothing", () => {
    expect(`no "tset"${hint("tset", ["test"])}`).toBe('no "tset" (did you mean "test"?)');
    expect(hint("qqqq", ["test"])).toBe("");
  });

  test("a very long name among very many does not take long", async () => {
    const candidates = Array.from({ length: 10_000 }, (_, index) => `step-number-${index}`);
    const tookMs = await processorMs(() => {
      nearest("x".repeat(1_000_000), candidates);
      nearest("step-number-99999", candidates);
    });
    expect(tookMs).toBeLessThan(10_000);
  });
});

describe("names", () => {
  test.each(["a", "A1", "more-tests", "v1.2_x", "x".repeat(100)])("%s is one", (name) => {
    expect(isName(name)).toBe(true);
  });

  test.each(["", "-a", ".a", "a b", "ä", "a/b", "a\n", "x".repeat(101)])("%j is none", (name) => {
    expect(isName(name)).toBe(false);
  });

  test.each([
    ["My Project!", "My-Project"],
    ["...", "fallback"],
    ["crème brûlée", "creme-brulee"],
    ["x".repeat(200), "x".repeat(100)],
  ])("from %s comes %s", (text, expected) => {
    expect(nameFrom(text, "fallback")).toBe(expected);
    expect(isName(expected)).toBe(true);
  });
});
