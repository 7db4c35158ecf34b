import fs from "node:fs";
import path from "node:path";
import { hasCode } from "../base/errors.js";
import { utf8Text } from "../base/texts/text-file.js";
import type { SourceFile } from "../imports/foreign-plan.js";
import { gitRootOf } from "../config/repository-file.js";
import { UsageError } from "./failure.js";

/** Files that are read together: a file, or a folder of one plan. */
export interface PlanFiles {
  /** The name for the command line. */
  readonly path: string;
  readonly files: readonly SourceFile[];
}

export interface FoundPlans {
  readonly found: readonly PlanFiles[];
  /** Files that look like plans and were not read, and why. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
}

/** Files of one plan that lie together: the folder of Backlog.md, and the backup that beads writes of its database. */
const TOGETHER = [
  /^((?:.*\/)?backlog)\/(?:config\.ya?ml|(?:tasks|completed|drafts|archive\/(?:tasks|completed|drafts))\/[^/]+\.md)$/,
  /^((?:.*\/)?\.beads\/backup)\/(?:issues|dependencies|labels)\.jsonl$/,
];
/** Folders below those of Backlog.md, which it does not read itself. */
const BELOW_BACKLOG = /^((?:.*\/)?backlog\/(?:tasks|completed)\/[^/]+)\/.+\.md$/;
const SINGLE = [
  /(?:^|\/)(?:\.taskmaster\/)?tasks\/tasks\.json$/,
  /(?:^|\/)specs\/[^/]+\/tasks\.md$/,
  /(?:^|\/)\.beads\/(?:issues|beads)\.jsonl$/,
  /(?:^|\/)issues\.json$/,
  /\.wfformat(?:\.json)?$/,
];
/** Lists that people write; a file of such a name in a folder of a tool is a part of that tool's plan. */
const WRITTEN = /(?:^|\/)(?:TODO|PLAN|TASKS|ROADMAP)\.md$/i;
const FOLDERS = new Set([".taskmaster", "tasks", "specs", ".beads", "backlog"]);
const LEVELS_MAX = 5;
const ENTRIES_MAX = 20_000;
const BYTES_MAX = 10_000_000;

/** The root of the git repository around a directory, else the directory itself: the paths of plans begin there. */
export function rootAround(directory: string): string {
  return gitRootOf(directory) ?? directory;
}

/** Finds the plans below a directory, in the places where tools keep them. Symbolic links are not followed. */
export function findPlans(root: string, directory: string): FoundPlans {
  const groups = new Map<string, SourceFile[]>();
  const skipped: { path: string; why: string }[] = [];
  let bytes = 0;
  const { plans, below } = candidates(root, directory);
  for (const { place, isLink, isFile } of plans) {
    const full = path.join(root, place);
    if (isLink) skipped.push({ path: place, why: "is a symbolic link" });
    else if (!isFile) skipped.push({ path: place, why: "is no file" });
    else if ((bytes += fs.statSync(full).size) > BYTES_MAX)
      skipped.push({ path: place, why: `is beyond ${BYTES_MAX} bytes in all` });
    else {
      const group = folderOf(place) ?? place;
      const text = readText(full, place);
      if (typeof text === "string") groups.set(group, [...(groups.get(group) ?? []), { path: place, text }]);
      else skipped.push({ path: place, why: text.why });
    }
  }
  for (const [folder, files] of below)
    skipped.push({
      path: folder,
      why: `lies below the tasks of Backlog.md, which reads no folders there (${files} files)`,
    });
  return { found: [...groups].map(([at, files]) => ({ path: at, files })), skipped };
}

function folderOf(place: string): string | undefined {
  return TOGETHER.map((pattern) => pattern.exec(place)?.[1]).find((folder) => folder !== undefined);
}

function readText(file: string, place: string): string | { readonly why: string } {
  try {
    return textOfPlan(fs.readFileSync(file), place);
  } catch (error) {
    if (error instanceof Error) return { why: `cannot be read: ${error.message.replace(/\.$/, "")}` };
    throw error;
  }
}

interface Candidate {
  readonly place: string;
  readonly isLink: boolean;
  /** False for a pipe or a device, which may never end. */
  readonly isFile: boolean;
}

interface Candidates {
  /** Paths from the root of what may be plans, in order. */
  readonly plans: readonly Candidate[];
  /** Folders with the number of files in them that are left out. */
  readonly below: ReadonlyMap<string, number>;
}

function candidates(root: string, directory: string): Candidates {
  const found: Candidate[] = [];
  const below = new Map<string, number>();
  const open: [directory: string, level: number][] = [[directory, 0]];
  let entries = 0;
  for (let next = open.shift(); next !== undefined && entries < ENTRIES_MAX; next = open.shift()) {
    const [folder, level] = next;
    for (const entry of entriesOf(folder)) {
      entries += 1;
      const whole = path.join(folder, entry.name);
      const place = path.relative(root, whole).split(path.sep).join("/");
      const isInside = place.split("/").some((part) => FOLDERS.has(part));
      if (entry.isDirectory() && isInside && level < LEVELS_MAX) open.push([whole, level + 1]);
      else if (!entry.isDirectory() && isPlan(place, isInside))
        found.push({ place, isLink: entry.isSymbolicLink(), isFile: entry.isFile() });
      const left = entry.isDirectory() ? undefined : BELOW_BACKLOG.exec(place)?.[1];
      if (left !== undefined) below.set(left, (below.get(left) ?? 0) + 1);
    }
  }
  const places = new Set(found.map(({ place }) => place));
  const plans = found.filter(({ place }) => !hasExport(place, places));
  return { plans: plans.toSorted((a, b) => (a.place < b.place ? -1 : 1)), below };
}

function isPlan(place: string, isInside: boolean): boolean {
  const isOfTool = folderOf(place) !== undefined || SINGLE.some((pattern) => pattern.test(place));
  return isOfTool || (!isInside && WRITTEN.test(place));
}

/** Whether a file belongs to a backup of beads beside which the export lies that says the same. */
function hasExport(place: string, places: ReadonlySet<string>): boolean {
  const [, beads] = /^(.*\.beads\/)backup\/[^/]+$/.exec(place) ?? [];
  return beads !== undefined && ["issues.jsonl", "beads.jsonl"].some((name) => places.has(beads + name));
}

function entriesOf(folder: string): fs.Dirent[] {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (hasCode(error, "EACCES", "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

/** The text of a file that may be UTF-16, as Windows writes what is redirected. Throws `invalid_input`, `UsageError`. */
export function textOfPlan(bytes: Buffer, name: string): string {
  if (bytes.length > BYTES_MAX)
    throw new UsageError(`${name} has ${bytes.length} bytes; at most ${BYTES_MAX} are read.`);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  return utf8Text(bytes, name);
}
