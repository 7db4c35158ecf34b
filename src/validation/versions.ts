import { isObject } from "../base/json.js";
import { grouped } from "../base/lists/groups.js";
import type { RunText, ValidationIssue } from "./issue.js";
import { valuesOf } from "./values.js";

/** A version that an artifact gives to something. */
interface VersionSaid {
  readonly of: string;
  readonly version: string;
  readonly where: string;
}

export function versionIssues(artifacts: readonly RunText[]): ValidationIssue[] {
  // A range such as `>=5`, or `*`, names no one version.
  const exact = artifacts.flatMap(versionsOf).filter(({ version }) => /^\d/.test(bare(version)));
  return [...grouped(exact, ({ of }) => of).values()].flatMap((all): ValidationIssue[] => {
    // Held against the one that says most: those that agree with it agree with each other.
    const fullest = all.reduce((one, next) => (bare(next.version).length > bare(one.version).length ? next : one));
    const different = all.find(({ version }) => !agree(fullest.version, version));
    const [first, other] = all.filter((said) => said === fullest || said === different);
    if (first === undefined || other === undefined) return [];
    const message = `${first.where} says that ${first.of} has version ${first.version}, ${other.where} that it has ${other.version}.`;
    return [
      { check: "versions", severity: "major", where: other.where, message, suggestion: "Take one of the two in both." },
    ];
  });
}

/** Whether one says no less than the other: 5.1 and ^5.1.3 agree. */
function agree(one: string, other: string): boolean {
  const [a, b] = [bare(one), bare(other)];
  return `${a}.`.startsWith(`${b}.`) || `${b}.`.startsWith(`${a}.`);
}

function bare(version: string): string {
  return version.replace(/^[\^~=v\s]+/, "");
}

/** A version in prose: `express 5.1`, `Node.js version 20`, `PostgreSQL v16`. */
const SAID =
  /(?<![\w@./-])([A-Za-z][\w+#-]{1,40}(?:\.js)?)(?:@|[ \t](?:version[ \t]|v)|[ \t](?=\d{1,4}\.\d))(\d{1,4}(?:\.\d{1,4}){0,3})(?![\w%]|\.\d|[ \t]?(?:ms|s|seconds|minutes|hours|days|MB|GB|KB|x|times|percent)\b)/g;
/** Words before a number that numbers a part or counts. */
const NO_PRODUCT =
  /^(?:section|chapter|step|phase|table|figure|release|sprint|level|part|item|requirement|page|appendix|milestone|task|iteration|clause|version|about|at|by|of|than|to|is|are|was|most|least|from|under|over|below|above|and|or|in|the|costs?|us|usd|eur|only|within|every|after|for|around|between|approximately)$/i;

/** Versions of products that prose names; of one with several versions in the same text nothing is known. */
function saidIn({ name, text }: RunText): VersionSaid[] {
  const versions = new Map<string, Set<string>>();
  for (const [, of = "", version = ""] of text.matchAll(SAID)) {
    if (NO_PRODUCT.test(of)) continue;
    const key = of.toLowerCase();
    versions.set(key, (versions.get(key) ?? new Set()).add(version));
  }
  return [...versions].flatMap(([of, all]) =>
    all.size === 1 ? [...all].map((version) => ({ of, version, where: name })) : [],
  );
}

function versionsOf(artifact: RunText): VersionSaid[] {
  const { name, text, type } = artifact;
  const values = valuesOf(text);
  if (values === undefined) return type === "code" || type === "tests" ? [] : saidIn(artifact);
  const said: VersionSaid[] = [];
  const add = (of: unknown, version: unknown) => {
    if (typeof of === "string" && typeof version === "string")
      said.push({ of: of.toLowerCase(), version, where: name });
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
