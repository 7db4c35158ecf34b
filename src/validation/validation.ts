import { criteriaOf, checkTopics, type Criterion } from "./criteria.js";
import type { Severity } from "../base/statuses.js";
import type { CheckResult, ValidationSubject, ValidationIssue } from "./issue.js";

/** The result of the checks of a type. */
export interface Validation {
  /** Whether nothing critical or major was found. */
  readonly passed: boolean;
  readonly critical: boolean;
  /** Worst first. */
  readonly issues: readonly ValidationIssue[];
  readonly figures: Readonly<Record<string, number>>;
  /** Names of the checks that ran. */
  readonly checks: readonly string[];
  /** Criteria of the type that need judgement. */
  readonly criteria: readonly Criterion[];
}

type Check = (subject: ValidationSubject) => CheckResult | Promise<CheckResult>;

// Each is loaded with the first artifact that needs it: the parsers are large.
const json: Check = async (subject) => (await import("./structure/json.js")).checkJson(subject);
const yaml: Check = async (subject) => (await import("./structure/yaml.js")).checkYaml(subject);
const markdown: Check = async (subject) => (await import("./structure/markdown.js")).checkMarkdown(subject);
const openapi: Check = async (subject) => (await import("./structure/openapi.js")).checkOpenApi(subject);
const syntax: Check = async (subject) => (await import("./code/syntax.js")).checkSyntax(subject);
const errorHandling: Check = async (subject) => (await import("./code/syntax.js")).checkErrorHandling(subject);
const tests: Check = async (subject) => (await import("./code/tests.js")).checkTests(subject);
const coverage: Check = async (subject) => (await import("./reports/coverage.js")).checkCoverage(subject);
const testReport: Check = async (subject) => (await import("./reports/test-report.js")).checkTestReport(subject);
const requirements: Check = async (subject) => (await import("./content/requirements.js")).checkRequirements(subject);
const secrets: Check = async (subject) => (await import("./content/secrets.js")).checkSecrets(subject);
const personalData: Check = async (subject) => (await import("./content/personal-data.js")).checkPersonalData(subject);
const conflictMarks: Check = async (subject) => (await import("./content/conflicts.js")).checkConflictMarks(subject);

/** Every check by its name. */
export const CHECKS: Readonly<Record<string, Check>> = {
  json,
  yaml,
  markdown,
  openapi,
  syntax,
  error_handling: errorHandling,
  tests,
  coverage,
  test_report: testReport,
  requirements,
  secrets,
  personal_data: personalData,
  conflict_marks: conflictMarks,
};

const OF_EVERY_TEXT = ["conflict_marks", "secrets", "personal_data"];
const BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  code: ["syntax", "error_handling"],
  tests: ["syntax", "error_handling", "tests"],
  json: ["json"],
  yaml: ["yaml"],
  markdown: ["markdown"],
  coverage: ["coverage"],
  test_report: ["test_report"],
  requirements: ["requirements"],
};
/** Types of documents, whose structure is that of the file they are in. */
const DOCUMENTS: ReadonlySet<string> = new Set(["openapi", "requirements", "architecture", "security"]);
/** Every type that a check or a list of criteria is for. */
export const CHECKED_TYPES: readonly string[] = [...Object.keys(BY_TYPE), ...DOCUMENTS];
const ORDER: readonly Severity[] = ["critical", "major", "minor", "info"];

/** Runs the checks of an artifact's type, or those that are named. */
export async function validate(subject: ValidationSubject, wanted?: readonly string[]): Promise<Validation> {
  const names = wanted ?? checksOf(subject);
  const criteria = await criteriaOf(subject.type);
  const results = await Promise.all(names.map(async (name) => CHECKS[name]?.(subject) ?? { issues: [] }));
  const topics = wanted === undefined || wanted.includes("topics") ? checkTopics(subject, criteria) : { issues: [] };
  const issues = [...results, topics]
    .flatMap((result) => result.issues)
    .toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  return {
    passed: !issues.some(({ severity }) => severity === "critical" || severity === "major"),
    critical: issues.some(({ severity }) => severity === "critical"),
    issues,
    figures: Object.assign({}, ...results.map(({ figures }) => figures)) as Record<string, number>,
    checks: criteria.some(({ topics: named }) => named) ? [...names, "topics"] : [...names],
    criteria,
  };
}

/** The checks of an artifact by its type and by the end of its name. */
export function checksOf({ type, name }: Pick<ValidationSubject, "type" | "name">): string[] {
  const ending = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  const structure = DOCUMENTS.has(type) || BY_TYPE[type] === undefined ? structureOf(ending, type) : [];
  return [
    ...new Set([...(BY_TYPE[type] ?? []), ...structure, ...(type === "openapi" ? ["openapi"] : []), ...OF_EVERY_TEXT]),
  ];
}

function structureOf(ending: string, type: string): string[] {
  if (ending === "json") return ["json"];
  if (ending === "yaml" || ending === "yml") return ["yaml"];
  if (ending === "md" || ending === "markdown") return ["markdown"];
  return type === "openapi" ? ["yaml"] : [];
}
