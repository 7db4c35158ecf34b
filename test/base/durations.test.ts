import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DURATION_MS_MAX, durationProblem, durationSchema, parseDuration } from "../../src/base/durations.js";

describe("durations", () => {
  test.each([
    ["300ms", 300],
    ["20s", 20_000],
    ["20m", 1_200_000],
    ["1h", 3_600_000],
    ["2d", 172_800_000],
    ["0s", 0],
    [1_500, 1_500],
    [0, 0],
  ])("%j is %d ms", (written, ms) => {
    expect(parseDuration(written)).toBe(ms);
  });

  test.each([
    "",
    "20",
    "20 m",
    " 20m",
    "20m\n",
    "1h30m",
    "1.5h",
    "-1s",
    "01s",
    "20M",
    "1w",
    "∞",
    -1,
    1.5,
    NaN,
    Infinity,
    DURATION_MS_MAX + 1,
    "9999999999d",
    null,
    undefined,
    true,
    ["1s"],
  ])("%j is none", (written) => {
    expect(parseDuration(written)).toBeUndefined();
    expect(durationProblem(written)).toMatch(/is not a duration: write it as "300ms", "20s", "20m", "1h"/);
  });

  test("every count of every unit is exact up to the bound, and nothing is beyond it", () => {
    const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
    fc.assert(
      fc.property(fc.nat(DURATION_MS_MAX), fc.constantFrom(...Object.entries(units)), (count, [unit, ms]) => {
        const expected = count * ms <= DURATION_MS_MAX ? count * ms : undefined;
        expect(parseDuration(`${count}${unit}`)).toBe(expected);
      }),
    );
  });

  test("as a schema it has a least value", () => {
    expect(durationSchema().safeParse("1s").data).toBe(1_000);
    expect(durationSchema().safeParse(0).error?.issues[0]?.message).toBe("must be at least 1 ms");
    expect(durationSchema(0).safeParse("0ms").data).toBe(0);
    expect(durationSchema().safeParse({}).error?.issues[0]?.message).toMatch(/^\{\} is not a duration/);
  });
});
