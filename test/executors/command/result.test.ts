import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lastJson } from "../../../src/executors/command/result.js";
import { processorMs } from "../../support/servers/processor-time.js";

describe("lastJson", () => {
  test.each([
    ['{"a":1}', { a: 1 }],
    ["[\n  1,\n  2\n]", [1, 2]],
    ['log\n{\n  "a": [\n    {}\n  ]\n}\n\n', { a: [{}] }],
    ['{"a":1}\n{"a":2}\ndone', { a: 2 }],
    ['\uFEFF{"a":1}\r\nok', { a: 1 }],
    ['[INFO] begun\n[12:00] on\n{"a":"}"}\n[INFO] done', { a: "}" }],
    ["{\n[1]", [1]],
    ["took 12\n42\nok", 42],
    ['"text"', "text"],
    ["null", null],
    ['\u001b[32m{"a":1}\u001b[0m\n', { a: 1 }],
  ])("%j holds %j", (text, value) => {
    expect(lastJson(text)).toEqual({ value });
  });

  test.each(["", "hello", "42 tests", "{", "{'a': 1}", '{"a":1} and more', "[1,", "NaN"])("%j holds none", (text) => {
    expect(lastJson(text)).toBeUndefined();
  });

  test("finds every value again, however it is written and whatever is printed around it", () => {
    const talk = fc.constantFrom("", "begun\n", "[INFO] {x}\n", "{\n", "7 of 9\n", '{"an": "other"}\n');
    fc.assert(
      fc.property(fc.jsonValue(), talk, fc.constantFrom(0, 2), (value, before, indent) => {
        const written: unknown = JSON.parse(JSON.stringify(value));
        expect(lastJson(`${before}${JSON.stringify(value, undefined, indent)}\nthe end`)).toEqual({ value: written });
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(["[\n", "{\n", '{"a":\n', '"\n', "[1]x\n", '["\\\\"\n'])(
    "1 MB of %j ends within a bound",
    async (piece) => {
      const text = piece.repeat(1_000_000 / piece.length);
      expect(await processorMs(() => lastJson(text))).toBeLessThan(5_000);
    },
  );
});
