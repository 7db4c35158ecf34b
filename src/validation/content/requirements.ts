import type { CheckResult, ValidationSubject, ValidationIssue } from "../issue.js";

const CHECK = "requirements";

/** A sentence that says what must be: by its verb, or by an id at its beginning. */
const REQUIREMENT = /\b(?:must|shall|should|has to|have to|is required to|will)\b/i;
const ID =
  /^\s*(?:[-*+]|\d+[.)])?\s*\**\[?((?:[A-Z]{1,6}-)?(?:REQ|FR|NFR|US|UC|AC|R|SR|BR)-?\d{1,4}(?:\.\d{1,3})?)\]?\**\s*[:.)–-]/;
const OPEN =
  /\b(?:TBD|TBC|TODO|FIXME|XXX)\b|\?\?\?|\[\s*(?:to be (?:defined|decided|determined)|placeholder)[^\]]*\]|\bto be (?:defined|decided|determined)\b/i;
const VAGUE =
  /\b(fast|quick|quickly|slow|responsive|user[- ]friendly|intuitive|easy|easily|simple|simply|efficient|efficiently|robust|flexible|scalable|seamless|seamlessly|appropriate|appropriately|adequate|reasonable|reasonably|sufficient|sufficiently|modern|nice|good|state[- ]of[- ]the[- ]art|as (?:needed|required|necessary|appropriate)|if (?:possible|necessary)|where (?:possible|applicable)|and\/or|etc\.?|and so on|some|several|many|various|mostly|usually|normally|approximately|as soon as possible|high performance|highly available|minimal|optimal|large number)\b/i;
const MEASURED = /\d/;

/** Finds requirements that are open, can be read in two ways, or whose fulfilment cannot be decided. */
export function checkRequirements({ text }: Pick<ValidationSubject, "text">): CheckResult {
  const issues: ValidationIssue[] = [];
  const ids = new Map<string, number>();
  let found = 0;
  for (const { line, said } of sentencesOf(text)) {
    const id = ID.exec(said)?.[1];
    if (id !== undefined) {
      const before = ids.get(id);
      if (before !== undefined)
        issues.push(
          issue(
            line,
            "major",
            `The id ${id} is that of line ${before} too.`,
            "Give each requirement an id of its own.",
          ),
        );
      else ids.set(id, line);
    }
    const open = OPEN.exec(said)?.[0];
    if (open !== undefined)
      issues.push(
        issue(
          line,
          "major",
          `What is asked for is still open ("${open}").`,
          "Decide it, or escalate it as ambiguous_requirement.",
        ),
      );
    if (id === undefined && !REQUIREMENT.test(said)) continue;
    found += 1;
    const vague = VAGUE.exec(said)?.[1];
    if (vague !== undefined && !MEASURED.test(said.replace(ID, "")))
      issues.push(
        issue(
          line,
          "minor",
          `"${vague}" can be read in several ways, and nothing here says when it is met.`,
          "Give a number, a unit and the condition under which it holds.",
        ),
      );
  }
  if (found === 0)
    issues.push({
      check: CHECK,
      severity: "major",
      message: "The document states no requirement: no sentence says what must be.",
      suggestion: "Write each as a sentence with must, and an id.",
    });
  return { issues };
}

function issue(
  ...[line, severity, message, suggestion]: [number, ValidationIssue["severity"], string, string]
): ValidationIssue {
  return { check: CHECK, severity, line, message, suggestion };
}

/** List items and paragraphs outside of code, each with its first line. */
function sentencesOf(text: string): { line: number; said: string }[] {
  const found: { line: number; said: string }[] = [];
  let isCode = false;
  let isOpen = false;
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:```|~~~)/.test(line)) isCode = !isCode;
    const isHeading = /^\s*#/.test(line);
    if (isCode || isHeading || line.trim() === "" || /^\s*(?:```|~~~|\|[\s:|-]+\|)/.test(line)) {
      isOpen = false;
      continue;
    }
    const begins = /^\s*(?:[-*+]|\d+[.)]|\|)\s/.test(line) || ID.test(line);
    const last = found.at(-1);
    if (isOpen && !begins && last !== undefined) last.said += ` ${line.trim()}`;
    else found.push({ line: at + 1, said: line });
    isOpen = true;
  }
  return found;
}
