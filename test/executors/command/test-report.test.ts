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

  test("in JUnit form may have its attributes in single quotes", () => {
    const text =
      "<testsuite><testcase classname='c' name='a > b'><failure message='no > &amp; no'/></testcase></testsuite>";
    expect(testReportIn(text)).toMatchObject({ failures: [{ test: "c › a > b", message: "no > & no" }] });
  });

  test.each([
    [
      "pytest",
      "test_a.py .F.\n=== short test summary info ===\nFAILED test_a.py::test_b[1-x] - assert 1 == 2\n=== 1 failed, 2 passed, 1 skipped in 0.03s ===",
      { passed: 2, failed: 1, skipped: 1, failures: [{ test: "test_a.py::test_b[1-x]", message: "assert 1 == 2" }] },
    ],
    ["pytest", "...\n3 passed, 1 warning in 0.03s\n", { passed: 3, failed: 0 }],
    [
      "vitest",
      "\u001b[31m FAIL \u001b[39m test/a.test.ts > a > fails\nAssertionError: expected 1 to be 2\n\n Test Files  1 failed (1)\n      Tests  1 failed | 2 passed (3)\n",
      {
        passed: 2,
        failed: 1,
        failures: [{ test: "test/a.test.ts > a > fails", message: "AssertionError: expected 1 to be 2" }],
      },
    ],
    [
      "jest",
      "  ● x › fails\n\n    expect(received).toBe(expected)\n\nTests:       1 failed, 1 passed, 2 total\n",
      { passed: 1, failed: 1, failures: [{ test: "x › fails", message: "expect(received).toBe(expected)" }] },
    ],
    [
      "cargo",
      "test tests::b ... FAILED\n\ntest result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\ntest result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
      { passed: 5, failed: 1, skipped: 1, failures: [{ test: "tests::b" }] },
    ],
    [
      "go",
      "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\n    b_test.go:6: want 1 got 2\n--- FAIL: TestB (0.00s)\nFAIL",
      { passed: 1, failed: 1, failures: [{ test: "TestB", message: "b_test.go:6: want 1 got 2" }] },
    ],
    ["mocha", "  2 passing (5ms)\n  1 failing\n\n  1) x fails:\n     AssertionError: 1\n", { passed: 2, failed: 1 }],
    [
      "unittest",
      "..F\n=====\nFAIL: test_b (t.T)\n-----\nRan 4 tests in 0.001s\n\nFAILED (failures=1, skipped=1)\n",
      { passed: 2, failed: 1, skipped: 1, failures: [{ test: "test_b (t.T)" }] },
    ],
  ])("of %s is counted as it is printed for people: %j", (format, text, counts) => {
    expect(testReportIn(text)).toMatchObject({ format, ...counts });
  });

  test.each([
    "ok\nnot ok\n",
    "it is ok\n1 of 2\n",
    "<testsuites></testsuites>",
    "1..0\n",
    "",
    "3 passed the exam in 2s\n",
    "--- FAIL: TestB\nFAIL\n",
    "Tests are 3 in total\n",
  ])("is not seen in %j", (text) => {
    expect(testReportIn(text)).toBeUndefined();
  });

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
    "1 failed, 2 passed, ",
    "=1 passed\n",
    " FAIL  a > b\n",
    "=== RUN x\n--- FAIL: a\n",
    "\u001b[31m",
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
