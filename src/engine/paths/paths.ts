import type { LockKind } from "../../base/statuses.js";
import { posix } from "node:path";
import { BatonError } from "../../base/errors.js";
import { startOf, flawOfText } from "../../base/texts/stored-values.js";
import {
  GLOBSTAR,
  globProblem,
  globSegment,
  isWild,
  literalSegment,
  type Segment,
  segmentListsOverlap,
} from "./globs.js";

/** The facts that decide the meaning of a path: the project's root, null for a project without one, and its file system. */
export interface PathSpace {
  /** Absolute. */
  readonly root: string | null;
  readonly caseInsensitive: boolean;
  /** A path as it lies on disk; absent where none is looked up. Errors: `invalid_input`. */
  readonly onDisk?: ((written: string) => string) | undefined;
}

/** A normalised path, directory or glob, relative to the project's root. */
export interface PathPattern {
  /** As it is shown: NFC, forward slashes, a directory with a slash at its end (the root itself is `./`). */
  readonly path: string;
  /** The path with case folded where the file system does not tell cases apart: equal for the same file. */
  readonly key: string;
  readonly kind: LockKind;
  /** Prefix of every path that fits: a file's whole key, or the directories before the first wild segment. */
  readonly prefix: string;
}

export const PATH_BYTES_MAX = 1_024;
export const NAME_BYTES_MAX = 255;
export const PATH_DEPTH_MAX = 64;

const ROOT_DIRECTORY = "./";
const DRIVE = /^[a-z]:\//i;
const LINE_BREAK = /[\n\v\f\r\u0085\u2028\u2029]/;

/**
 * Normalises a path, a directory (`src/api/`) or a glob (`src/**` + `/*.ts`): separators, `.` and `..`, Unicode NFC, an
 * absolute path inside the root made relative. Idempotent. Throws `invalid_input` for one that leaves the root, is
 * empty, too long, or has characters or wild signs that are not supported.
 */
export function normalisePath(space: PathSpace, input: string): PathPattern {
  if (input === "") throw refusal(input, "is empty");
  if (input.length > 2 * PATH_BYTES_MAX) throw refusal(input, `is longer than ${PATH_BYTES_MAX} bytes`);
  const flaw = flawOfText(input);
  if (flaw !== undefined) throw refusal(input, flaw);
  if (LINE_BREAK.test(input)) throw refusal(input, "holds a line break: name one path each");
  if (/^~(?:[\\/]|$)/.test(input))
    throw refusal(input, "begins with ~, which only a shell reads as the home directory");
  const real = space.onDisk?.(input) ?? input;
  const relative = insideRoot(space, input, real.replaceAll("\\", "/").normalize("NFC"));
  const segments = resolveDots(input, relative);
  const isDirectory = segments.length === 0 || /(?:^|\/)\.{0,2}$/.test(relative);
  const isGlob = segments.some(isWild);
  if (isGlob && isDirectory && segments.at(-1) !== GLOBSTAR) segments.push(GLOBSTAR);
  checkSize(input, segments);
  const name = segments.join("/");
  const problem = globProblem(name);
  if (problem !== undefined) throw refusal(input, `cannot be used: ${problem}`);
  if (isGlob) return storedPattern(space, name, "glob");
  if (!isDirectory) return storedPattern(space, name, "file");
  return storedPattern(space, name === "" ? ROOT_DIRECTORY : `${name}/`, "directory");
}

/** A pattern from its normalised path and kind, as the database keeps them. */
export function storedPattern(space: Pick<PathSpace, "caseInsensitive">, path: string, kind: LockKind): PathPattern {
  const key = space.caseInsensitive ? foldCase(path) : path;
  return { path, key, kind, prefix: prefixOf(key, kind) };
}

/** A pattern from its normalised path alone, which tells its kind: normalising it once more would change nothing. */
export function keptPattern(space: Pick<PathSpace, "caseInsensitive">, path: string): PathPattern {
  if (path.split("/").some(isWild)) return storedPattern(space, path, "glob");
  return storedPattern(space, path, path.endsWith("/") ? "directory" : "file");
}

/**
 * Whether some path may fit both patterns. Exact unless both are globs, then never falsely no. Symmetric. A path below which
 * another one lies is a directory, whatever it looked like: `docs` overlaps `docs/a.md`.
 */
export function overlaps(a: PathPattern, b: PathPattern): boolean {
  if (a.key === b.key || isAbove(a, b) || isAbove(b, a)) return true;
  if (a.kind === "file" && b.kind === "file") return false;
  return prefixesMeet(a, b) && segmentListsOverlap(segmentsOf(a), segmentsOf(b));
}

/** Whether a path that looks like a file's is the directory of another pattern. */
export function isAbove(path: PathPattern, other: PathPattern): boolean {
  if (path.kind !== "file") return false;
  return other.prefix.startsWith(`${path.key}/`) || (other.kind !== "file" && other.prefix === path.key);
}

/** The prefixes at which a pattern that overlaps this one from above can stand: the root, each directory, its own. */
export function prefixesAbove({ prefix }: Pick<PathPattern, "prefix">): string[] {
  const prefixes = [""];
  for (let end = prefix.indexOf("/"); end >= 0; end = prefix.indexOf("/", end + 1)) prefixes.push(prefix.slice(0, end));
  if (prefix !== "") prefixes.push(prefix);
  return prefixes;
}

function insideRoot(space: PathSpace, input: string, path: string): string {
  if (!path.startsWith("/") && !DRIVE.test(path)) return path;
  if (space.root === null) {
    throw refusal(input, "is absolute, and this project has no root directory: give a path relative to the project");
  }
  const root = space.root.replaceAll("\\", "/").normalize("NFC").replace(/\/+$/, "");
  const absolute = posix.normalize(path);
  const [whole, start] = space.caseInsensitive ? [foldCase(absolute), foldCase(root)] : [absolute, root];
  if (whole !== start && !whole.startsWith(`${start}/`))
    throw refusal(input, `is outside the project root ${space.root}`);
  // Folding may change a text's length, so the root is counted off in names.
  const below = absolute.split("/").slice(root.split("/").length).join("/");
  return below === "" ? "." : below;
}

function resolveDots(input: string, path: string): string[] {
  const resolved: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") {
      const name = simplifyStars(segment);
      if (name !== GLOBSTAR || resolved.at(-1) !== GLOBSTAR) resolved.push(name);
      continue;
    }
    const left = resolved.pop();
    if (left === undefined) throw refusal(input, "leads outside the project root");
    if (isWild(left)) throw refusal(input, 'goes back with ".." from a wild segment');
  }
  return resolved;
}

/** Two stars mean any number of directories only when they are a whole segment. */
function simplifyStars(segment: string): string {
  return /^\*{2,}$/.test(segment) ? GLOBSTAR : segment.replace(/\*{2,}/g, "*");
}

function checkSize(input: string, segments: readonly string[]): void {
  const sizes = segments.map((segment) => Buffer.byteLength(segment));
  if (sizes.reduce((sum, size) => sum + size + 1, 0) > PATH_BYTES_MAX) {
    throw refusal(input, `is longer than ${PATH_BYTES_MAX} bytes`);
  }
  if (sizes.some((size) => size > NAME_BYTES_MAX))
    throw refusal(input, `has a name longer than ${NAME_BYTES_MAX} bytes`);
  if (sizes.length > PATH_DEPTH_MAX) throw refusal(input, `is more than ${PATH_DEPTH_MAX} directories deep`);
}

/**
 * One form for names that differ in case only. By way of upper case, which brings together what only has a capital in
 * common; and the two small sigmas, of which lower case picks one by the place in the word, become one.
 */
export function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase().replaceAll("ς", "σ").normalize("NFC");
}

function prefixOf(key: string, kind: LockKind): string {
  if (kind === "file") return key;
  if (kind === "directory") return key === ROOT_DIRECTORY ? "" : key.slice(0, -1);
  const segments = key.split("/");
  return segments.slice(0, segments.findIndex(isWild)).join("/");
}

function prefixesMeet(a: PathPattern, b: PathPattern): boolean {
  const [short, long] = a.prefix.length <= b.prefix.length ? [a.prefix, b.prefix] : [b.prefix, a.prefix];
  return short === "" || short === long || long.startsWith(`${short}/`);
}

// Patterns in use are few and come again with every look at the same locks.
const COMPILED_MAX = 2_000;
const compiled = new Map<string, readonly Segment[]>();

function segmentsOf(pattern: PathPattern): readonly Segment[] {
  const id = `${pattern.kind}:${pattern.key}`;
  let segments = compiled.get(id);
  if (segments === undefined) {
    if (compiled.size >= COMPILED_MAX) compiled.clear();
    segments = compile(pattern);
    compiled.set(id, segments);
  }
  return segments;
}

function compile({ key, kind, prefix }: PathPattern): Segment[] {
  if (kind === "glob") return key.split("/").map(globSegment);
  const names = prefix === "" ? [] : prefix.split("/").map(literalSegment);
  return kind === "directory" ? [...names, { any: true }] : names;
}

function refusal(input: string, why: string): BatonError {
  const shown = JSON.stringify(input.length > 200 ? `${startOf(input, 200)}…` : input);
  return new BatonError("invalid_input", `The path ${shown} ${why}.`, { details: { path: startOf(input, 200) } });
}
