import type { CheckResult, ValidationSubject, ValidationIssue } from "../issue.js";
import { type CodeLanguage, languageOf } from "./syntax.js";

const CHECK = "tests";

interface Habits {
  readonly test: RegExp;
  readonly assertion: RegExp;
  /** Runs one test and leaves out the others. */
  readonly only?: RegExp;
  readonly skipped: RegExp;
}

const OF_JAVASCRIPT: Habits = {
  test: /\b(?:it|test)(?:\.\w+)*\s*\(/,
  assertion: /\b(?:expect|assert|should|t\.(?:is|equal|ok|true|throws|deepEqual|pass|plan))\b/,
  only: /\b(?:it|test|describe|suite)\.only\b|\bf(?:it|describe)\s*\(/,
  skipped: /\b(?:it|test|describe|suite)\.(?:skip|todo)\b|\bx(?:it|describe)\s*\(/,
};
const HABITS: Readonly<Record<CodeLanguage, Habits>> = {
  javascript: OF_JAVASCRIPT,
  tsx: OF_JAVASCRIPT,
  typescript: OF_JAVASCRIPT,
  python: {
    test: /^\s*(?:async\s+)?def\s+test/m,
    assertion: /\bassert|\bself\.(?:assert|fail)|\.raises\b/,
    skipped: /@(?:pytest\.mark\.skip|unittest\.skip)|\bpytest\.skip\(/,
  },
  go: {
    test: /\bfunc\s+Test\w*\(/,
    assertion: /\bt\.(?:Error|Fatal|Fail)|\b(?:assert|require)\./,
    skipped: /\bt\.Skip/,
  },
  rust: { test: /#\[(?:\w+::)?test\b/, assertion: /\bassert\w*!|#\[should_panic|\bpanic!/, skipped: /#\[ignore\b/ },
  java: {
    test: /@(?:Test|ParameterizedTest)\b/,
    assertion: /\bassert|\bverify\(|\bfail\(/,
    skipped: /@(?:Disabled|Ignore)\b/,
  },
};

/** Finds test files that test nothing: without tests, without an assertion, or with most of them left out. */
export function checkTests(subject: ValidationSubject): CheckResult {
  const language = languageOf(subject);
  const habits = language && HABITS[language];
  if (habits === undefined) return { issues: [] };
  const lines = subject.text.split("\n").map((line) => line.replace(/(?:^|\s)(?:\/\/|#(?!\[)).*$/, ""));
  const code = lines.join("\n");
  if (!habits.test.test(code))
    return {
      issues: [
        issue(undefined, "major", "There is no test in this file.", "Write one, or give the artifact the type code."),
      ],
    };
  const issues: ValidationIssue[] = [];
  if (!habits.assertion.test(code))
    issues.push(
      issue(
        undefined,
        "major",
        "No test of this file asserts anything: they pass whatever the code does.",
        "Compare what the code returns with what it must return.",
      ),
    );
  for (const [at, line] of lines.entries()) {
    if (habits.only?.test(line) === true)
      issues.push(issue(at + 1, "major", "Only this test runs, and all others are left out.", "Remove only."));
    else if (habits.skipped.test(line))
      issues.push(
        issue(at + 1, "minor", "The test is skipped.", "Let it run, or remove it with the reason in the history."),
      );
  }
  return { issues };
}

function issue(
  ...[line, severity, message, suggestion]: [number | undefined, ValidationIssue["severity"], string, string]
): ValidationIssue {
  return { check: CHECK, severity, message, suggestion, ...(line !== undefined && { line }) };
}
