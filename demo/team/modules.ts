import { readdirSync } from "node:fs";
import path from "node:path";

/** A part of the program that gets a page: an area of src/, or a family of files in a large one. */
export interface Module {
  /** As in `engine-locks`; the page's name and the step's key. */
  readonly name: string;
  /** Relative to the repository, with forward slashes, sorted. */
  readonly files: readonly string[];
}

/** An area of more files than this is split into families. */
const AREA_FILES_MAX = 12;
/** Files that share their first word: fewer than this are no family. */
const FAMILY_FILES_MIN = 3;

/** The modules of a TypeScript repository: the areas below `src/`, with the files that lie in src/ itself as `main`. */
export function listModules(root: string): Module[] {
  const entries = readdirSync(path.join(root, "src"), { withFileTypes: true });
  const own = entries.filter((entry) => entry.isFile()).map(({ name }) => `src/${name}`);
  const areas = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return [
    { name: "main", files: own.filter(isSource).sort() },
    ...areas.flatMap((area) => split(area, sourcesBelow(root, `src/${area}`))),
  ]
    .filter(({ files }) => files.length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function sourcesBelow(root: string, directory: string): string[] {
  return readdirSync(path.join(root, directory), { recursive: true, encoding: "utf8" })
    .map((name) => path.posix.join(directory, name.replaceAll("\\", "/")))
    .filter(isSource)
    .sort();
}

function isSource(file: string): boolean {
  return file.endsWith(".ts") && !file.endsWith(".d.ts");
}

/** `lock-queue.ts`, `lock-views.ts` and `locks.ts` are the family `locks`; what belongs to none stays with the area. */
function split(area: string, files: readonly string[]): Module[] {
  if (files.length <= AREA_FILES_MAX) return [{ name: area, files }];
  const families = new Map<string, string[]>();
  for (const file of files) families.set(familyOf(file), [...(families.get(familyOf(file)) ?? []), file]);
  const large = [...families].filter(([, members]) => members.length >= FAMILY_FILES_MIN);
  const taken = new Set(large.flatMap(([, members]) => members));
  return [
    { name: area, files: files.filter((file) => !taken.has(file)) },
    ...large.map(([family, members]) => ({ name: `${area}-${titleOf(family, members)}`, files: members })),
  ];
}

/** In the plural where a file is called so. */
function titleOf(family: string, files: readonly string[]): string {
  return files.some((file) => path.posix.basename(file, ".ts") === `${family}s`) ? `${family}s` : family;
}

function familyOf(file: string): string {
  const directory = path.posix.basename(path.posix.dirname(file));
  const [first = ""] = path.posix.basename(file, ".ts").split("-");
  // src/store/migrations/0001-….ts: the directory is the better name.
  return /^\d/.test(first) ? directory : first.replace(/(?<=[^s])s$/, "");
}
