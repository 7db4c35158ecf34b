import { isObject } from "../../base/json.js";
import type { CheckResult, ValidationSubject, ValidationIssue } from "../issue.js";

const CHECK = "coverage";
const FILES_SHOWN_MAX = 10;

/** Lines of a file that tests can reach, and those they did. */
interface Covered {
  readonly file: string;
  readonly found: number;
  readonly hit: number;
}

/** Reads a coverage report (lcov, Cobertura, Istanbul) and holds its share of lines against the one that is asked for. */
export function checkCoverage({ text, coverageMin }: Pick<ValidationSubject, "text" | "coverageMin">): CheckResult {
  const files = filesOf(text);
  if (files === undefined) return { issues: [unreadable()] };
  const [found, hit] = [sum(files, "found"), sum(files, "hit")];
  if (found === 0) return { issues: [nothing()] };
  const share = percent(hit, found);
  const issues: ValidationIssue[] = [];
  if (share < coverageMin)
    issues.push({
      check: CHECK,
      severity: "major",
      message: `Tests reach ${share} % of the lines (${hit} of ${found}), and ${coverageMin} % are asked for.`,
      suggestion: `Begin with ${worst(files)}.`,
    });
  const untested = files.filter((file) => file.found > 0 && file.hit === 0);
  for (const { file } of untested.slice(0, FILES_SHOWN_MAX))
    issues.push({
      check: CHECK,
      severity: "minor",
      where: file,
      message: `No test reaches ${file}.`,
      suggestion: "Test it, or leave it out of the report with the reason.",
    });
  return { issues, figures: { line_coverage: share, lines: found, files: files.length } };
}

function unreadable(): ValidationIssue {
  return {
    check: CHECK,
    severity: "critical",
    message: "This is no coverage report that can be read: lcov, Cobertura XML, or the JSON of Istanbul.",
    suggestion: "Put the file that the test runner writes, such as coverage/lcov.info.",
  };
}

function nothing(): ValidationIssue {
  const suggestion = "Check which files the runner measures: a report without lines comes from a wrong pattern.";
  return { check: CHECK, severity: "major", message: "The report has no line of any file.", suggestion };
}

function worst(files: readonly Covered[]): string {
  const [first] = files.toSorted((a, b) => b.found - b.hit - (a.found - a.hit));
  return first === undefined ? "the largest file" : `${first.file} (${first.found - first.hit} lines unreached)`;
}

function sum(files: readonly Covered[], of: "found" | "hit"): number {
  return files.reduce((total, file) => total + file[of], 0);
}

function percent(hit: number, found: number): number {
  return Math.floor((hit / found) * 1_000) / 10;
}

function filesOf(text: string): Covered[] | undefined {
  const trimmed = text.trimStart();
  if (trimmed.startsWith("{")) return istanbulFiles(trimmed);
  if (trimmed.startsWith("<")) return coberturaFiles(trimmed);
  return /^SF:/m.test(text) ? lcovFiles(text) : undefined;
}

function lcovFiles(text: string): Covered[] | undefined {
  const files: Covered[] = [];
  // A record that is cut off has no end.
  if (!/end_of_record\s*$/.test(text)) return undefined;
  for (const record of text.split(/^end_of_record\s*$/m)) {
    const file = /^SF:(.+)$/m.exec(record)?.[1]?.trim();
    if (file === undefined) continue;
    const counts = [...record.matchAll(/^DA:\d+,(-?\d+)/gm)].map(([, count]) => Number(count));
    const figure = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(record)?.[1] ?? 0);
    files.push(
      counts.length > 0
        ? { file, found: counts.length, hit: counts.filter((count) => count > 0).length }
        : { file, found: figure("LF"), hit: figure("LH") },
    );
  }
  return files;
}

function coberturaFiles(text: string): Covered[] | undefined {
  if (!/<coverage[\s>]/.test(text) || !text.includes("</coverage>")) return undefined;
  const byFile = new Map<string, Map<string, boolean>>();
  for (const piece of text.split(/<class\s/).slice(1)) {
    const [attributes = ""] = piece.split(">", 1);
    const [body = ""] = piece.split("</class>", 1);
    const file = /filename="([^"]*)"/.exec(attributes)?.[1] ?? "?";
    const lines = byFile.get(file) ?? new Map<string, boolean>();
    byFile.set(file, lines);
    // Methods repeat the lines of their class.
    for (const [, line = ""] of body.matchAll(/<line\s([^>]*?)\/?>/g)) {
      const number = /number="(\d+)"/.exec(line)?.[1] ?? "";
      lines.set(number, lines.get(number) === true || Number(/hits="(\d+)"/.exec(line)?.[1] ?? 0) > 0);
    }
  }
  return [...byFile].map(([file, lines]) => ({
    file,
    found: lines.size,
    hit: [...lines.values()].filter(Boolean).length,
  }));
}

/** coverage-summary.json, or coverage-final.json. */
function istanbulFiles(text: string): Covered[] | undefined {
  const report = parsed(text);
  if (!isObject(report)) return undefined;
  const files: Covered[] = [];
  for (const [file, entry] of Object.entries(report)) {
    if (file === "total") continue;
    const covered = isObject(entry) ? istanbulFile(file, entry) : undefined;
    if (covered === undefined) return undefined;
    files.push(covered);
  }
  return files;
}

function istanbulFile(file: string, entry: Record<string, unknown>): Covered | undefined {
  const { lines, statementMap, s: counts } = entry;
  if (isObject(lines) && typeof lines["total"] === "number" && typeof lines["covered"] === "number")
    return { file, found: lines["total"], hit: lines["covered"] };
  if (!isObject(statementMap) || !isObject(counts)) return undefined;
  // As Istanbul does: a line is reached as often as the first statement on it that is.
  const reached = new Map<number, boolean>();
  for (const [id, place] of Object.entries(statementMap)) {
    const start = isObject(place) && isObject(place["start"]) ? place["start"]["line"] : undefined;
    if (typeof start !== "number") return undefined;
    reached.set(start, reached.get(start) === true || Number(counts[id] ?? 0) > 0);
  }
  return { file, found: reached.size, hit: [...reached.values()].filter(Boolean).length };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
