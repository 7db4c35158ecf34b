import { realpathSync, statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";

/** A directory as the file system knows it: what the engine calls a workplace. Absolute, real paths. */
export interface Place {
  readonly cwd: string;
  /** The root of the git working tree that contains cwd. */
  readonly gitRoot: string | null;
  /** Of a linked git worktree: the root of the main working tree of its repository. */
  readonly worktreeOf: string | null;
  /** Whether the file system there takes `A` and `a` for one name. */
  readonly caseInsensitive: boolean;
}

/**
 * Looks a directory up on disk. Relative paths start at the process's own directory.
 * Throws what the file system throws (`ENOENT`, `EACCES`, …), and `ENOTDIR` for a file.
 */
export async function readWorkplace(directory: string): Promise<Place> {
  // The native call also gives each name the case it has on disk.
  const cwd = realpathSync.native(path.resolve(directory));
  if (!(await stat(cwd)).isDirectory()) throw new NotADirectory(cwd);
  const gitRoot = await findGitRoot(cwd);
  return {
    cwd,
    gitRoot,
    worktreeOf: gitRoot === null ? null : await mainWorkingTree(gitRoot),
    caseInsensitive: isCaseInsensitive(cwd),
  };
}

class NotADirectory extends Error {
  readonly code = "ENOTDIR";

  constructor(file: string) {
    super(`ENOTDIR: not a directory, '${file}'`);
  }
}

async function findGitRoot(cwd: string): Promise<string | null> {
  for (let directory = cwd; ; directory = path.dirname(directory)) {
    if (await isThere(path.join(directory, ".git"))) return directory;
    if (directory === path.dirname(directory)) return null;
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

/**
 * A linked worktree has a file `.git` that says `gitdir: MAIN/.git/worktrees/NAME` (gitrepository-layout). A submodule
 * has one that says `…/modules/…`, and is a working tree of its own.
 */
async function mainWorkingTree(gitRoot: string): Promise<string | null> {
  const link = await readIfFile(path.join(gitRoot, ".git"));
  const target = /^gitdir: (.+)$/m.exec(link ?? "")?.[1];
  if (target === undefined) return null;
  const parts = path.resolve(gitRoot, target.trim()).split(path.sep);
  if (parts.at(-2) !== "worktrees" || parts.at(-3) !== ".git") return null;
  const main = parts.slice(0, -3).join(path.sep);
  return (await isThere(main)) ? realpathSync.native(main) : null;
}

async function readIfFile(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (isAbsence(error) || hasCode(error, "EISDIR")) return undefined;
    throw error;
  }
}

/** Asks for the directory under its name in the other case: the same directory answers, or none. */
function isCaseInsensitive(directory: string): boolean {
  for (let place = directory; place !== path.dirname(place); place = path.dirname(place)) {
    const name = path.basename(place);
    const swapped = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase();
    if (swapped === name) continue;
    const other = statSync(path.join(path.dirname(place), swapped), { throwIfNoEntry: false });
    const own = statSync(place);
    return other !== undefined && other.ino === own.ino && other.dev === own.dev;
  }
  return false;
}

// A directory that may not be searched holds no repository that could be worked in.
function isAbsence(error: unknown): boolean {
  return hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR") || hasCode(error, "EACCES");
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
