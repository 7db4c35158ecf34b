import { type Alias, type Document, LineCounter, parseAllDocuments, visit } from "yaml";
import type { CheckResult, ValidationSubject, ValidationIssue } from "../issue.js";

const SHOWN_MAX = 20;

/** Finds what is no YAML, keys that stand twice, and references to nothing. Aliases are not expanded. */
export function checkYaml({ text }: Pick<ValidationSubject, "text">): CheckResult {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { prettyErrors: true, logLevel: "silent", lineCounter });
  const all = "errors" in documents ? [] : documents;
  const issues = [...all].flatMap((document) => [
    ...document.errors.map((error) => issueOf(error, error.code === "DUPLICATE_KEY" ? "major" : "critical")),
    ...document.warnings.map((warning) => issueOf(warning, "minor")),
    ...aliasesOfNothing(document).map(({ source, range }) =>
      issueOf({ message: `*${source} names no anchor`, linePos: [lineCounter.linePos(range?.[0] ?? 0)] }, "critical"),
    ),
  ]);
  return { issues: issues.slice(0, SHOWN_MAX) };
}

function aliasesOfNothing(document: Document): Alias[] {
  const anchors = new Set<string>();
  const found: Alias[] = [];
  visit(document, {
    Value: (_, { anchor }) => void (anchor === undefined || anchors.add(anchor)),
    // An alias follows its anchor.
    Alias: (_, alias) => void (anchors.has(alias.source) || found.push(alias)),
  });
  return found;
}

function issueOf(
  { message, linePos }: { message: string; linePos?: readonly [{ line: number }, ...unknown[]] | undefined },
  severity: ValidationIssue["severity"],
): ValidationIssue {
  const [said = ""] = message.split(/ at line |\n/);
  return {
    check: "yaml",
    severity,
    message: `Invalid YAML: ${said.replace(/[.:]$/, "")}.`,
    ...(linePos && { line: linePos[0].line }),
    suggestion:
      severity === "major" ? "Remove or rename one of the two keys." : "Check the indentation and quotes there.",
  };
}
