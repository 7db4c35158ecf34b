import { testReportIn } from "../../executors/command/test-report.js";
import type { CheckResult, ValidationSubject, ValidationIssue } from "../issue.js";

const CHECK = "test_report";

/** Reads a report of tests (JUnit XML, TAP, or as runners print them) and names those that failed. */
export function checkTestReport({ text }: Pick<ValidationSubject, "text">): CheckResult {
  const report = testReportIn(text);
  if (report === undefined) return { issues: [unreadable()] };
  const { passed, failed, skipped = 0, failures = [], failures_more: more = 0 } = report;
  const issues: ValidationIssue[] = failures.map(({ test, message }) => ({
    check: CHECK,
    severity: "major",
    where: test,
    message: `The test "${test}" failed${message === undefined ? "" : `: ${message}`}.`,
    suggestion: "Mend the code, or the test if it asks for the wrong thing.",
  }));
  if (more > 0) issues.push({ check: CHECK, severity: "major", message: `${more} more tests failed.` });
  if (passed + failed === 0)
    issues.push({ check: CHECK, severity: "major", message: `No test ran; ${skipped} were skipped.` });
  else if (skipped > passed + failed)
    issues.push({
      check: CHECK,
      severity: "minor",
      message: `More tests were skipped (${skipped}) than ran (${passed + failed}).`,
    });
  const planned = /^1\.\.(\d+)/m.exec(text)?.[1];
  const told = report.format === "tap" ? [...text.matchAll(/^(?:not )?ok\b/gm)].length : 0;
  if (report.format === "tap" && planned !== undefined && told < Number(planned))
    issues.push({
      check: CHECK,
      severity: "major",
      message: `${planned} tests were planned and ${told} are told: the run ended early.`,
      suggestion: "Look for a crash behind the last test.",
    });
  return { issues, figures: { passed, failed, skipped } };
}

function unreadable(): ValidationIssue {
  return {
    check: CHECK,
    severity: "critical",
    message: "This is no report of tests that can be read: JUnit XML, TAP, or the summary of a runner.",
    suggestion: "Put the file that the test runner writes, such as junit.xml.",
  };
}
