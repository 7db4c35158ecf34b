import type { CheckResult, ValidationSubject, ValidationIssue } from "../issue.js";

/** Finds what a merge left behind: all three marks of git, in their order. */
export function checkConflictMarks({ text }: Pick<ValidationSubject, "text">): CheckResult {
  const issues: ValidationIssue[] = [];
  let from: number | undefined;
  let isHalf = false;
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (/^<{7} \S/.test(line)) [from, isHalf] = [at + 1, false];
    else if (line === "=======" && from !== undefined) isHalf = true;
    else if (/^>{7} \S/.test(line) && from !== undefined && isHalf) {
      issues.push({
        check: "conflict_marks",
        severity: "critical",
        line: from,
        message: `A merge conflict stands unresolved in lines ${from} to ${at + 1}.`,
        suggestion: "Keep one side or both, and remove the marks.",
      });
      from = undefined;
    }
  }
  return { issues };
}
