import { startOf } from "../../base/texts/stored-values.js";
import { type Summary, summaryIn } from "./test-summaries.js";

/** The tests that a command reported, in TAP or JUnit form or as its runner prints them. */
export interface TestReport {
  readonly format: "tap" | "junit" | Summary["format"];
  readonly passed: number;
  readonly failed: number;
  readonly skipped?: number;
  /** The first tests that failed, each with the beginning of what was said of it. */
  readonly failures?: readonly TestFailure[];
  /** How many more failed than are named. */
  readonly failures_more?: number;
}

interface TestFailure {
  readonly test: string;
  readonly message?: string;
}

const FAILURES_SHOWN_MAX = 5;
const NAME_CHARS_MAX = 200;
const MESSAGE_CHARS_MAX = 300;
/** A line of a report is not longer; a longer one is data. */
const LINE_CHARS_MAX = 10_000;

class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;
  readonly failures: TestFailure[] = [];

  fail(test: string, message = ""): void {
    this.failed += 1;
    if (this.failures.length >= FAILURES_SHOWN_MAX) return;
    const said = startOf(message.trim(), MESSAGE_CHARS_MAX);
    this.failures.push({ test: startOf(test, NAME_CHARS_MAX), ...(said === "" ? {} : { message: said }) });
  }

  report(format: TestReport["format"]): TestReport | undefined {
    const { passed, failed, skipped, failures } = this;
    if (passed + failed + skipped === 0) return undefined;
    return {
      format,
      passed,
      failed,
      ...(skipped === 0 ? {} : { skipped }),
      ...(failed === 0 ? {} : { failures }),
      ...(failed > failures.length ? { failures_more: failed - failures.length } : {}),
    };
  }
}

/** Returns what a report in a command's output comes to; undefined where there is none. Linear in the output. */
export function testReportIn(output: string): TestReport | undefined {
  return junitReport(output) ?? tapReport(output) ?? summarised(output);
}

function summarised(output: string): TestReport | undefined {
  const summary = summaryIn(output);
  if (summary === undefined) return undefined;
  const tally = new Tally();
  for (const [test, message] of summary.failures) tally.fail(test, message);
  Object.assign(tally, { passed: summary.passed, failed: summary.failed, skipped: summary.skipped });
  return tally.report(summary.format);
}

const TAP_LINE = /^(not )?ok\b(?: +(\d+))?(?: *-)? *([^#]*)(?:# *(skip|todo)\b)?/i;
const TAP_PLAN = /^(?:TAP version \d+|1\.\.\d+\b)/;

/** Only tests at the top count: those below are told again by the line that sums them up. */
function tapReport(output: string): TestReport | undefined {
  const lines = output.split(/\r?\n/);
  if (!lines.some((line) => TAP_PLAN.test(line))) return undefined;
  const tally = new Tally();
  lines.forEach((line, at) => {
    const found = line.length > LINE_CHARS_MAX ? null : TAP_LINE.exec(line);
    if (found === null) return;
    const [, not, number = "", description = "", directive] = found;
    if (directive !== undefined) tally.skipped += 1;
    else if (not === undefined) tally.passed += 1;
    else tally.fail(description.trim() || `test ${number}`, diagnosticBehind(lines, at));
  });
  return tally.report("tap");
}

const DIAGNOSTIC_LINES_MAX = 12;
const MESSAGE = /^\s*(?:#\s*)?(?:message|error|failureType|reason):\s*(.*)$/;

/** The message in the block of YAML behind a failed test, else its first comment. */
function diagnosticBehind(lines: readonly string[], at: number): string {
  const behind: string[] = [];
  for (const line of lines.slice(at + 1, at + 1 + DIAGNOSTIC_LINES_MAX)) {
    if (!/^(?:\s|#)/.test(line)) break;
    behind.push(line);
  }
  for (const line of behind) {
    const [, message] = MESSAGE.exec(line) ?? [];
    if (message !== undefined && !/^[|>]?-?\s*$/.test(message)) return message.replace(/^(['"])(.*)\1$/, "$2");
  }
  return behind.find((line) => line.startsWith("#"))?.replace(/^#\s*/, "") ?? "";
}

const CASE = /^<testcase\b((?:[^>"']|"[^"]*"|'[^']*')*?)(\/)?>/;
const CASE_END = "</testcase>";
const CASE_TAG_CHARS_MAX = 4_000;
const CASE_CHARS_READ_MAX = 20_000;

function junitReport(output: string): TestReport | undefined {
  if (!/<testsuites?\b/.test(output)) return undefined;
  const tally = new Tally();
  const last = output.lastIndexOf(CASE_END);
  for (let at = output.indexOf("<testcase"); at >= 0; at = output.indexOf("<testcase", at + 1)) {
    const [found, attributes = "", closed] = CASE.exec(output.slice(at, at + CASE_TAG_CHARS_MAX)) ?? [];
    if (found === undefined) {
      // No tag is that long: what follows is none of this case.
      at += CASE_TAG_CHARS_MAX;
      continue;
    }
    const end = closed === undefined && at < last ? output.indexOf(CASE_END, at) : -1;
    const body = output.slice(at + found.length, Math.max(at, Math.min(end, at + CASE_CHARS_READ_MAX)));
    const failure = /<(?:failure|error)\b((?:[^>"']|"[^"]*"|'[^']*')*)>(?:<!\[CDATA\[)?([^<]*)/.exec(body);
    if (failure !== null) tally.fail(nameOfCase(attributes), messageOf(failure));
    else if (/<skipped\b/.test(body)) tally.skipped += 1;
    else tally.passed += 1;
    if (end >= 0) at = end;
  }
  return tally.report("junit");
}

function nameOfCase(attributes: string): string {
  const [suite, name] = [attribute(attributes, "classname"), attribute(attributes, "name")];
  return [suite, name].filter((part) => part !== "").join(" › ");
}

function messageOf([, attributes = "", text = ""]: RegExpExecArray): string {
  const message = attribute(attributes, "message");
  return message === "" ? plain(text.replace(/\]\]>$/, "")).trim() : message;
}

function attribute(attributes: string, name: string): string {
  const [, double, single = ""] =
    new RegExp(String.raw`(?:^|\s)${name}=(?:"([^"]*)"|'([^']*)')`).exec(attributes) ?? [];
  return plain(double ?? single);
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&", "#10": "\n" };

function plain(text: string): string {
  return text.replaceAll(/&(lt|gt|quot|apos|amp|#10);/g, (_, name: string) => ENTITIES[name] ?? "");
}
