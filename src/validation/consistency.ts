import { isObject } from "../base/json.js";
import type { RunText, ValidationIssue } from "./issue.js";
import { requirementsOf, testedIn } from "./traceability.js";
import { valuesOf } from "./values.js";
import { versionIssues } from "./versions.js";

const SHOWN_MAX = 100;

/** Finds what artifacts of a run say differently: interfaces that the code lacks, versions, requirements that no test names. */
export function checkConsistency(artifacts: readonly RunText[]): ValidationIssue[] {
  const issues = [interfaceIssues, callIssues, versionIssues, requirementIssues].flatMap((check) => check(artifacts));
  return issues.slice(0, SHOWN_MAX);
}

function isDesign({ name, type }: RunText): boolean {
  return type === "openapi" || type === "architecture" || /openapi|swagger/i.test(name);
}

/** An interface of a design: a method and a path. */
const ENDPOINT = /\b(GET|PUT|POST|DELETE|PATCH)\s+(\/[\w{}:/.*-]*)/g;

function interfaceIssues(artifacts: readonly RunText[]): ValidationIssue[] {
  const code = artifacts.filter(({ type }) => type === "code");
  if (code.length === 0) return [];
  // Placeholders are written in as many ways as there are frameworks.
  const written = code.map(({ text }) => withoutNames(text)).join("\n");
  return artifacts.filter(isDesign).flatMap((design) =>
    [...new Set(endpointsOf(design))]
      .filter((endpoint) => !written.includes(pathOf(endpoint)))
      .map((endpoint): ValidationIssue => ({
        check: "interfaces",
        severity: "major",
        where: design.name,
        message: `${design.name} has ${endpoint}, and no code artifact of the run names that path.`,
        suggestion: "Implement it, put the code that does, or take it out of the design.",
      })),
  );
}

function endpointsOf({ text }: RunText): string[] {
  const inProse = [...text.matchAll(ENDPOINT)].map(
    ([, method = "", path = ""]) => `${method} ${path.replace(/[.]$/, "")}`,
  );
  const paths = valuesOf(text)?.["paths"];
  if (!isObject(paths)) return inProse;
  return Object.entries(paths).flatMap(([path, item]) =>
    isObject(item)
      ? ["get", "put", "post", "delete", "patch"]
          .filter((method) => isObject(item[method]))
          .map((method) => `${method.toUpperCase()} ${path}`)
      : [],
  );
}

function pathOf(endpoint: string): string {
  return withoutNames(endpoint.slice(endpoint.indexOf(" ") + 1)).replace(/(?<=.)\/$/, "");
}

function withoutNames(text: string): string {
  return text.replaceAll(/\/(?:\$?\{[^}/\n]*\}|:\w+|<[^>/\n]*>)/g, "/*");
}

/** A call that a design defines: in code at the beginning of a heading, an item or a row, as `createUser(name)`. */
const CALL =
  /^ {0,8}(?:#{1,6}|[-*+]|\d{1,3}[.)]|\|)[ \t]{1,4}\**`(?:(?:async|def|fn|func|function) )?(?:\w{1,80}[.#]|\w{1,80}::)?([A-Za-z_]\w{2,80})\([^`\n]{0,300}`/gm;

function callIssues(artifacts: readonly RunText[]): ValidationIssue[] {
  const code = artifacts.filter(({ type }) => type === "code");
  if (code.length === 0) return [];
  const words = new Set(code.flatMap(({ text }) => text.match(/[A-Za-z_]\w*/g) ?? []));
  return artifacts.filter(isDesign).flatMap(({ name, text }) =>
    [...new Set([...text.matchAll(CALL)].map(([, call = ""]) => call))]
      .filter((call) => !words.has(call))
      .map((call): ValidationIssue => ({
        check: "interfaces",
        severity: "major",
        where: name,
        message: `${name} defines ${call}(), and no code artifact of the run has that name.`,
        suggestion: "Implement it, put the code that does, or take it out of the design.",
      })),
  );
}

function requirementIssues(artifacts: readonly RunText[]): ValidationIssue[] {
  const tests = artifacts.filter(({ type }) => type === "tests").map(({ text }) => text);
  if (tests.length === 0) return [];
  const required = artifacts
    .filter(({ type }) => type === "requirements")
    .map(({ name, text }) => ({ name, ids: requirementsOf(text) }));
  const tested = testedIn(
    tests,
    required.flatMap(({ ids }) => ids),
  );
  return required.flatMap(({ name, ids }) =>
    ids
      .filter((id) => !tested.has(id))
      .map((id): ValidationIssue => ({
        check: "requirements",
        severity: "major",
        where: name,
        message: `No test artifact of the run names ${id} of ${name}.`,
        suggestion: "Write the test, and name the id in its title.",
      })),
  );
}
