import { stripVTControlCharacters } from "node:util";

// Test runners print for people where no report is asked for: each ends with a line of counts, and names the tests that failed.

/** The counts of a runner's tests, and the tests that failed, each with what is said of it. */
export interface Summary {
  readonly format: "pytest" | "vitest" | "jest" | "cargo" | "go" | "mocha" | "unittest";
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly (readonly [test: string, message: string])[];
}

interface Runner {
  readonly format: Summary["format"];
  /** A line of counts; a run of several packages has one for each. */
  readonly counts: RegExp;
  /** A line that names a failed test, and perhaps says why. */
  readonly failure: RegExp;
}

const RUNNERS: readonly Runner[] = [
  { format: "vitest", counts: /^ *Tests {2,}(.*\(\d+\))$/, failure: /^ FAIL {2}(.+ > .+)$/ },
  { format: "jest", counts: /^Tests: {2,}(.* total)$/, failure: /^ {2}● (.+ › .+)$/ },
  {
    format: "pytest",
    counts:
      /^=*\s?((?:\d+ (?:passed|failed|skipped|errors?|xfailed|xpassed|deselected|warnings?)(?:, )?)+) in \d[\d.]*s\b/,
    failure: /^(?:FAILED|ERROR) (\S+::.+?)(?: - (.*))?$/,
  },
  { format: "cargo", counts: /^test result: (?:ok|FAILED)\. (.*?) finished in/, failure: /^test (.+) \.\.\. FAILED$/ },
  { format: "mocha", counts: /^ {2}(\d+ (?:passing|failing|pending))\b/, failure: /^ {2}\d+\) (.+):$/ },
];

/** A line of a summary is not longer; a longer one is data. */
const LINE_CHARS_MAX = 2_000;

/** Returns what the last lines of a runner's output come to; undefined where there are none. Linear in the output. */
export function summaryIn(output: string): Summary | undefined {
  const lines = stripVTControlCharacters(output)
    .split(/\r?\n/)
    .map((line) => line.slice(0, LINE_CHARS_MAX));
  for (const runner of RUNNERS) {
    const found = counted(runner, lines);
    if (found !== undefined) return found;
  }
  return goTests(lines) ?? unittest(lines);
}

const KIND: Readonly<Record<string, "passed" | "failed" | "skipped">> = {
  passed: "passed",
  passing: "passed",
  xfailed: "passed",
  failed: "failed",
  failing: "failed",
  error: "failed",
  errors: "failed",
  xpassed: "failed",
  skipped: "skipped",
  ignored: "skipped",
  pending: "skipped",
  todo: "skipped",
};

function counted({ format, counts, failure }: Runner, lines: readonly string[]): Summary | undefined {
  const sums = { passed: 0, failed: 0, skipped: 0 };
  let found = false;
  for (const line of lines) {
    const [, said] = counts.exec(line) ?? [];
    if (said === undefined) continue;
    found = true;
    for (const [, count, word = ""] of said.matchAll(/(\d+) (\w+)/g)) {
      const kind = KIND[word];
      if (kind !== undefined) sums[kind] += Number(count);
    }
  }
  return found ? { format, ...sums, failures: failuresIn(lines, failure) } : undefined;
}

/** Each test once: some runners name it where it fails and again at the end. */
function failuresIn(lines: readonly string[], failure: RegExp): Summary["failures"] {
  const found = new Map<string, string>();
  lines.forEach((line, at) => {
    const [, test = "", message] = failure.exec(line) ?? [];
    if (test !== "" && !found.has(test)) found.set(test, message ?? firstErrorBehind(lines, at));
  });
  return [...found];
}

const LINES_BEHIND = 6;

function firstErrorBehind(lines: readonly string[], at: number): string {
  const behind = lines.slice(at + 1, at + 1 + LINES_BEHIND);
  return behind.find((line) => /\b(?:\w*Error|expect\w*|assert\w*|panicked)\b/.test(line))?.trim() ?? "";
}

const GO_TEST = /^--- (PASS|FAIL|SKIP): (\S+)/;

/** Counts the tests of `go test -v`: without -v only failures are named, and what passed is not. */
function goTests(lines: readonly string[]): Summary | undefined {
  if (!lines.some((line) => line.startsWith("=== RUN "))) return undefined;
  const sums = { PASS: 0, FAIL: 0, SKIP: 0 };
  const failures: [string, string][] = [];
  lines.forEach((line, at) => {
    const [, outcome, test = ""] = GO_TEST.exec(line) ?? [];
    if (outcome === undefined) return;
    sums[outcome as keyof typeof sums] += 1;
    if (outcome === "FAIL") failures.push([test, goMessage(lines, at)]);
  });
  return { format: "go", passed: sums.PASS, failed: sums.FAIL, skipped: sums.SKIP, failures };
}

/** Messages stand before the line that says the outcome, or behind it. */
function goMessage(lines: readonly string[], at: number): string {
  const around = [lines[at - 1], lines[at + 1]];
  return around.find((line) => /^ {4}\S+\.go:\d+: /.test(line ?? ""))?.trim() ?? "";
}

function unittest(lines: readonly string[]): Summary | undefined {
  const at = lines.findLastIndex((line) => /^Ran \d+ tests? in /.test(line));
  const [, verdict, said = ""] = /^(OK|FAILED)(?: \((.*)\))?$/.exec(lines[at + 2] ?? "") ?? [];
  if (at < 0 || verdict === undefined) return undefined;
  const count = (words: RegExp) =>
    [...said.matchAll(/([a-z ]+)=(\d+)/g)].reduce(
      (sum, [, word = "", n]) => sum + (words.test(word) ? Number(n) : 0),
      0,
    );
  const [failed, skipped] = [count(/failures|errors|unexpected/), count(/skipped/)];
  const total = Number(/\d+/.exec(lines[at] ?? "")?.[0] ?? 0);
  const failures = failuresIn(lines, /^(?:FAIL|ERROR): (.+)$/);
  return { format: "unittest", passed: total - failed - skipped, failed, skipped, failures };
}
