import { lstat } from "node:fs/promises";
import path from "node:path";
import { gitRootAbove } from "../files/git-root.js";
import { commonDirectory } from "../files/real-paths.js";
import { askGit, type CommittedFile, filtersOff, type GitQuery, headOf } from "./git-reader.js";
import { changeOf } from "./own-diff.js";

/** Places that edits are looked for in: a project's root, and work trees of its repository that mean the same files. */
export interface EditSearch {
  readonly root: string;
  /** Roots of work trees; those of another repository are left out. */
  readonly workTrees: readonly string[];
}

/** A file whose content on disk is in no commit that is checked out there. */
export interface EditedFile {
  /** Relative to the project's root, with `/`. */
  readonly path: string;
  /** When it was written; null for one that is gone. */
  readonly changedAt: number | null;
}

/** Edits in one work tree. */
export interface WorkTreeEdits {
  /** The root of the work tree. */
  readonly workTree: string;
  readonly files: readonly EditedFile[];
}

/** Edits, or why there are none to be told. */
export type FoundEdits =
  | { readonly trees: readonly WorkTreeEdits[]; /** Whether no bound was met. */ readonly isWhole: boolean }
  | { readonly why: string };

const TIME_MAX_MS = 5_000;
const TREES_MAX = 10;
/** Files of one work tree that are compared with their commit. */
const FILES_MAX = 500;

/**
 * Finds the files that differ from the commit that is checked out, or that git does not know and would not ignore. Git is asked for names
 * and objects alone, as the diffs of reviews ask it: nothing that a repository configures is run, and files that git would filter are left
 * out.
 */
export async function editedFiles({ root, workTrees }: EditSearch): Promise<FoundEdits> {
  const signal = AbortSignal.timeout(TIME_MAX_MS);
  const gitRoot = gitRootAbove(root);
  const common = gitRoot === undefined ? undefined : commonDirectory(gitRoot);
  if (gitRoot === undefined || common === undefined || (await headOf(root, { signal })) === undefined)
    return { why: `there is no git repository at ${root}, or git cannot read it` };
  const others = workTrees.filter((tree) => tree !== gitRoot && commonDirectory(tree) === common);
  const trees: WorkTreeEdits[] = [];
  let isWhole = others.length < TREES_MAX;
  for (const workTree of [gitRoot, ...others].slice(0, TREES_MAX)) {
    const found = await editsBelow(path.join(workTree, path.relative(gitRoot, root)), signal);
    isWhole &&= found?.isWhole ?? false;
    if (found) trees.push({ workTree, files: found.files });
  }
  return { trees, isWhole };
}

async function editsBelow(
  directory: string,
  signal: AbortSignal,
): Promise<{ files: EditedFile[]; isWhole: boolean } | undefined> {
  const listed = await candidatesBelow(directory, signal);
  if (listed === undefined) return undefined;
  const candidates = listed.files;
  const changed: EditedFile[] = [];
  for (const { path: file, before } of candidates.slice(0, FILES_MAX)) {
    if (signal.aborted) break;
    const change = await changeOf(directory, file, before);
    if (change === undefined) continue;
    changed.push({ path: file, changedAt: change.after === undefined ? null : await writtenAt(directory, file) });
  }
  const filtered = await filteredAmong(directory, { files: changed.map((file) => file.path), signal });
  const isWhole = listed.isWhole && candidates.length <= FILES_MAX && !signal.aborted;
  return filtered && { files: changed.filter((file) => !filtered.has(file.path)), isWhole };
}

async function writtenAt(directory: string, file: string): Promise<number | null> {
  const state = await lstat(path.join(directory, file)).catch(() => undefined);
  return state === undefined ? null : Math.floor(state.mtimeMs);
}

interface Candidate {
  readonly path: string;
  /** As it is in the commit; undefined for one that is new. */
  readonly before: CommittedFile | undefined;
}

interface Candidates {
  readonly files: readonly Candidate[];
  /** Whether none is left out: a name that is no UTF-8 cannot be told, nor read. */
  readonly isWhole: boolean;
}

/** Files that may differ from the commit that is checked out, those that git knows first. */
export async function candidatesBelow(directory: string, signal: AbortSignal): Promise<Candidates | undefined> {
  const settings = await filtersOff(directory, { signal });
  const head = await headOf(directory, { signal });
  if (settings === undefined || head === undefined) return undefined;
  const query = { settings, signal };
  const known = head === null ? [] : await differingFrom(head, directory, query);
  const unknown = await namesOf(directory, [...(head === null ? ["-c"] : []), "-o", "--exclude-standard"], query);
  if (known === undefined || unknown === undefined) return undefined;
  const among = new Set(known.map((file) => file.path));
  const fresh = unknown.filter((file) => !among.has(file)).map((file) => ({ path: file, before: undefined }));
  const all = [...known, ...fresh];
  const files = all.filter((file) => !file.path.includes("\uFFFD"));
  return { files, isWhole: files.length === all.length };
}

/** Finds files that are on disk otherwise than in the index, and those that the index has otherwise than a commit. */
async function differingFrom(commit: string, directory: string, query: GitQuery): Promise<Candidate[] | undefined> {
  const options = ["-z", "--relative", "--no-renames", "--ignore-submodules=all"];
  const text = await askGit(directory, ["diff-index", ...options, commit], query);
  const words = text?.toString("utf8").split("\0");
  return words?.flatMap((line, at): Candidate[] => {
    const [, mode, object] = /^:(\d+) \d+ ([0-9a-f]+) [0-9a-f]+ [A-Z]\d*$/.exec(line) ?? [];
    const file = words[at + 1];
    if (mode === undefined || object === undefined || file === undefined) return [];
    return [{ path: file, before: /^0+$/.test(mode) ? undefined : { path: file, mode, object } }];
  });
}

async function namesOf(
  directory: string,
  options: readonly string[],
  query: GitQuery,
): Promise<readonly string[] | undefined> {
  const text = await askGit(directory, ["ls-files", "-z", ...options], query);
  // A repository within is a name with a slash at its end.
  const names = text?.toString("utf8").split("\0");
  return names?.filter((file) => file !== "" && !file.endsWith("/"));
}

const FILTERS = ["filter", "ident", "working-tree-encoding"];

/** The files whose content git keeps otherwise than it lies on disk. */
export async function filteredAmong(
  directory: string,
  { files, signal }: { readonly files: readonly string[]; readonly signal: AbortSignal },
): Promise<ReadonlySet<string> | undefined> {
  if (files.length === 0) return new Set();
  const input = files.map((file) => `${file}\0`).join("");
  const text = await askGit(directory, ["check-attr", "-z", "--stdin", ...FILTERS], { input, signal });
  const words = text?.toString("utf8").split("\0");
  return (
    words && new Set(words.filter((_, at) => at % 3 === 0 && !/^(?:unspecified|unset)?$/.test(words[at + 2] ?? "")))
  );
}
