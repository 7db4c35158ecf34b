import { lstat } from "node:fs/promises";
import path from "node:path";
import { candidatesBelow } from "./edited-files.js";
import { askGit, headOf } from "./git-reader.js";

/** Files and directories of a project that may have changed since an instant. */
export interface ChangeSearch {
  readonly root: string;
  readonly since: number;
  /** Paths of files, which are looked at on disk alone. */
  readonly files: readonly string[];
  /** Whether git is asked what else has changed below the root. */
  readonly asksGit: boolean;
}

const TIME_MAX_MS = 5_000;
const CANDIDATES_MAX = 500;
const COMMITTED_MAX = 5_000;

/**
 * Returns the files that were written, committed or removed since, relative to the root; a file that is not there counts. Undefined where
 * git does not say, or not all of it. Git is asked for names alone; files that it ignores are seen only where they are named.
 */
export async function changedFiles(search: ChangeSearch): Promise<readonly string[] | undefined> {
  const { root, since, files, asksGit } = search;
  const named = await writtenSince(root, since, files);
  if (!asksGit) return named;
  const signal = AbortSignal.timeout(TIME_MAX_MS);
  const listed = await candidatesBelow(root, signal);
  if (listed?.isWhole !== true || listed.files.length > CANDIDATES_MAX) return undefined;
  const committed = await committedSince(search, signal);
  const candidates = listed.files.map((file) => file.path);
  // A git that is ended tells nothing, which is not to be taken for no changes.
  if (committed === undefined || signal.aborted) return undefined;
  return [...new Set([...named, ...(await writtenSince(root, since, candidates)), ...committed])];
}

async function writtenSince(root: string, since: number, files: readonly string[]): Promise<string[]> {
  const written: string[] = [];
  for (const file of files) {
    const state = await lstat(path.join(root, file)).catch(() => undefined);
    if (state === undefined || state.mtimeMs >= since) written.push(file);
  }
  return written;
}

const NAMES = ["-z", "--format=", "--name-only", "--no-renames", "--relative", "--first-parent", "-m"];

async function committedSince({ root, since }: ChangeSearch, signal: AbortSignal): Promise<string[] | undefined> {
  const head = await headOf(root, { signal });
  if (head === undefined || head === null) return head === null ? [] : undefined;
  const seconds = `--since=${new Date(since).toISOString()}`;
  const settings = ["log.showSignature=false"];
  const text = await askGit(root, ["log", ...NAMES, seconds, head, "--"], { settings, signal });
  const names = text
    ?.toString("utf8")
    .split("\0")
    .filter((name) => name !== "");
  return names === undefined || names.length > COMMITTED_MAX ? undefined : names;
}
