import { parseDocument } from "yaml";
import { isObject } from "../base/json.js";
import type { ValidationIssue } from "./issue.js";

/** The newest version of an artifact of a run. */
export interface RunText {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

const SHOWN_MAX = 100;

/** Finds what artifacts of a run say differently: interfaces that the code lacks, versions, requirements that no test names. */
export function checkConsistency(artifacts: readonly RunText[]): ValidationIssue[] {
  return [...interfaceIssues(artifacts), ...versionIssues(artifacts), ...requirementIssues(artifacts)].slice(
    0,
    SHOWN_MAX,
  );
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

/** The text as YAML, of which JSON is a part; undefined where it is something else. */
function valuesOf(text: string): Record<string, unknown> | undefined {
  if (!/^\s*(?:\{|[\w"'-]+\s*:|---)/.test(text)) return undefined;
  const parsed = parseDocument(text, { logLevel: "silent" });
  if (parsed.errors.length > 0) return undefined;
  // Aliases could grow beyond bounds, and no manifest needs them.
  if (/(?:^|[\s[{,:])\*\w/.test(text)) return undefined;
  const value = parsed.toJS() as unknown;
  return isObject(value) ? value : undefined;
}

/** A version that an artifact gives to something. */
interface VersionSaid {
  readonly of: string;
  readonly version: string;
  readonly where: string;
}

function versionIssues(artifacts: readonly RunText[]): ValidationIssue[] {
  const bySubject = new Map<string, VersionSaid[]>();
  for (const said of artifacts.flatMap(versionsOf)) bySubject.set(said.of, [...(bySubject.get(said.of) ?? []), said]);
  return [...bySubject.values()].flatMap((all): ValidationIssue[] => {
    const [first] = all;
    const other = all.find(({ version }) => version !== first?.version);
    if (first === undefined || other === undefined) return [];
    const message = `${first.where} says that ${first.of} has version ${first.version}, ${other.where} that it has ${other.version}.`;
    return [
      { check: "versions", severity: "major", where: other.where, message, suggestion: "Take one of the two in both." },
    ];
  });
}

function versionsOf({ name, text }: RunText): VersionSaid[] {
  const values = valuesOf(text);
  if (values === undefined) return [];
  const said: VersionSaid[] = [];
  const add = (of: unknown, version: unknown) => {
    if (typeof of === "string" && typeof version === "string") said.push({ of, version, where: name });
  };
  const { info } = values;
  if (isObject(info) && typeof values["openapi"] === "string") add(info["title"], info["version"]);
  add(values["name"], values["version"]);
  for (const key of ["dependencies", "devDependencies", "peerDependencies"]) {
    const listed = values[key];
    if (isObject(listed)) for (const [of, version] of Object.entries(listed)) add(of, version);
  }
  return said;
}

const REQUIREMENT_ID = /\b(?:[A-Z]{1,6}-)?(?:REQ|FR|NFR|US|UC|AC|SR|BR)-?\d{1,4}(?:\.\d{1,3})?\b/g;

function requirementIssues(artifacts: readonly RunText[]): ValidationIssue[] {
  const tests = artifacts.filter(({ type }) => type === "tests");
  if (tests.length === 0) return [];
  const named = new Set(tests.flatMap(({ text }) => text.match(REQUIREMENT_ID) ?? []));
  return artifacts
    .filter(({ type }) => type === "requirements")
    .flatMap(({ name, text }) =>
      [...new Set(text.match(REQUIREMENT_ID) ?? [])]
        .filter((id) => !named.has(id))
        .map((id): ValidationIssue => ({
          check: "requirements",
          severity: "major",
          where: name,
          message: `No test artifact of the run names ${id} of ${name}.`,
          suggestion: "Write the test, and name the id in its title.",
        })),
    );
}
