import { createHash } from "node:crypto";
import { PATH_DEPTH_MAX, NAME_BYTES_MAX, PATH_BYTES_MAX } from "../paths/paths.js";

/** A file as another system names it: whatever its place, told apart from every other. */
interface Named {
  /** Equal for the same file. */
  readonly identity: string;
  readonly segments: readonly string[];
}

// Signs that stand for others in a pattern, and those that a path may not hold.
const REPLACED = /[*?[\]{}()!$|~\0\n\v\f\r\u0085\u2028\u2029\p{Cs}]/gu;
const SCHEME = /^([a-z][a-z0-9+.-]+):\/\//i;
const DRIVE = /^([a-z]):(?=\/)/i;

/**
 * Makes paths below a project's root of the names that files have elsewhere: URLs, absolute and Windows paths, paths that lead up, any
 * signs, any length. Each file has one path, and no two files the same.
 */
export class ImportedFiles {
  readonly #pathOf = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** Undefined for a name that says nothing, such as `/`. */
  pathOf(file: string): string | undefined {
    const { identity, segments } = named(file);
    if (segments.length === 0) return undefined;
    const known = this.#pathOf.get(identity);
    if (known !== undefined) return known;
    const plain = bounded(segments);
    const path = this.#taken.has(plain) ? bounded([...segments.slice(0, -1), marked(segments, identity)]) : plain;
    this.#pathOf.set(identity, path);
    this.#taken.add(path);
    return path;
  }

  /** Each once, in their order. */
  pathsOf(files: readonly string[]): string[] {
    return [...new Set(files.flatMap((file) => this.pathOf(file) ?? []))];
  }
}

function named(file: string): Named {
  const slashed = file.normalize("NFC").replaceAll("\\", "/");
  const scheme = SCHEME.exec(slashed)?.[1]?.toLowerCase() ?? "";
  const rest = scheme === "" ? slashed.replace(DRIVE, "/$1") : slashed.slice(scheme.length + 3);
  const absolute = rest.startsWith("/") || scheme !== "";
  const segments: string[] = [];
  for (const segment of rest.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(segment);
    else if (segments.length > 0 && segments.at(-1) !== UP) segments.pop();
    else if (!absolute) segments.push(UP);
  }
  return { identity: JSON.stringify([scheme, absolute, segments]), segments };
}

/** Stands for a directory above the one where the workflow was at home. */
const UP = "_up";

/** A path that is allowed wherever paths are. */
function bounded(segments: readonly string[]): string {
  const names = segments.map((segment) => shortened(segment.replaceAll(REPLACED, "_")));
  const path = names.join("/");
  if (names.length <= PATH_DEPTH_MAX && Buffer.byteLength(path) < PATH_BYTES_MAX) return path;
  return `_long/${hashOf(segments.join("/"))}/${names.at(-1) ?? ""}`;
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES_MAX) return name;
  // Three bytes for a unit at most; the cut may have left half a sign.
  return `${name.slice(0, 60).replace(/\p{Cs}/u, "")}-${hashOf(name)}`;
}

function marked(segments: readonly string[], identity: string): string {
  return `${segments.at(-1) ?? ""}-${hashOf(identity)}`;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
