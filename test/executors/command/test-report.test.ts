import { describe, expect, test } from "vitest";
import { testReportIn } from "../../../src/executors/command/test-report.js";
import { type CommandResult, openCommandFixture } from "../../support/fixtures/command-fixture.js";
import { processorMs } from "../../support/servers/processor-time.js";

const TAP = `TAP version 13
# Subtest: adds
    ok 1 - inside
ok 1 - adds
not ok 2 - divides
  ---
  duration_ms: 3
  error: 'expected 2, got 3'
  ...
ok 3 - later # SKIP no network
not ok 4 - known # TODO mend
1..4
`;
const JUNIT = `<?xml version="1.0"?>
<testsuites><testsuite name="calc" tests="4">
<testcase classname="calc" name="adds"/>
<testcase classname="calc" name="a &gt; b"><failure message="expected &quot;2&quot;" type="x">at calc.js:3</failure></testcase>
<testcase name="throws"><error><![CDATA[boom]]></error></testcase>
<testcase classname="calc" name="later"><skipped/></testcase>
</testsuite></testsuites>`;

describe("a report of tests in a command's output", () => {
  test("in TAP form is counted at its top, with the first failures", () => {
    expect(testReportIn(`> npm test\n${TAP}`)).toEqual({
      format: "tap",
      passed: 1,
      failed: 1,
      skipped: 2,
      failures: [{ test: "divides", message: "expected 2, got 3" }],
    });
  });

  test("in JUnit form is counted by its cases", () => {
    expect(testReportIn(JUNIT)).toEqual({
      format: "junit",
      passed: 1,
      failed: 2,
      skipped: 1,
      failures: [
        { test: "calc › a > b", message: 'expected "2"' },
        { test: "throws", message: "boom" },
      ],
    });
  });

  test.each(["ok\nnot ok\n", "it is ok\n1 of 2\n", "<testsuites></testsuites>", "1..0\n", ""])(
    "is not seen in %j",
    (text) => {
      expect(testReportIn(text)).toBeUndefined();
    },
  );

  test("names five failures and how many more", () => {
    const lines = Array.from({ length: 7 }, (_, i) => `not ok ${i + 1} - t${i + 1}`);
    expect(testReportIn(`1..7\n${lines.join("\n")}`)).toMatchObject({
      failed: 7,
      failures: { length: 5 },
      failures_more: 2,
    });
  });

  test.each([
    "<testsuite><testcase ",
    '<testcase "',
    "<testcase>",
    "<testcase><failure ",
    "1..1\nnot ok # ",
    "not ok\n #",
    "1..2\nok - ",
  ])("of 4 MB of %j ends within a bound", async (piece) => {
    const text = `<testsuite>\n1..9\n${piece.repeat(4_000_000 / piece.length)}`;
    expect(await processorMs(() => testReportIn(text))).toBeLessThan(5_000);
  });
});

test("the result of a command has its tests counted and a short tail, and its failure names them", async () => {
  const fixture = await openCommandFixture();
  const noise = "printf '%01000d\\n' 1";
  const print = `${noise}; printf '%s' "$REPORT"`;
  const { run } = await fixture.start([
    { key: "good", run: `${print}; ${noise}`, env: { REPORT: "1..1\nok 1 - a\n" } },
    { key: "bad", run: `${print}; exit 1`, env: { REPORT: TAP }, retry: { max_attempts: 1 } },
  ]);
  expect(await fixture.ended(run)).toBe("failed");
  const { output_tail: tail, ...good } = (await fixture.task(run, "good")).result as CommandResult;
  expect(good).toMatchObject({ exit_code: 0, tests: { format: "tap", passed: 1, failed: 0 } });
  expect(tail.length).toBeLessThanOrEqual(300);
  expect((await fixture.task(run, "bad")).attempts[0]?.error?.message).toBe(
    "the command ended with exit code 1; 1 of 2 tests failed:\n- divides: expected 2, got 3",
  );
});
