import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { gitRootAbove } from "./git-root.js";
import { gitIdentities, linkedTo } from "./real-paths.js";

/** A directory as the file system knows it: what the engine calls a workplace. Absolute, real paths. */
export interface WorkingDirectory {
  readonly cwd: string;
  /** The root of the git working tree that contains cwd. */
  readonly gitRoot: string | null;
  /** The root of the repository's main working tree, or a bare repository itself, for a linked git worktree. */
  readonly worktreeOf: string | null;
  /** Whether the file system there takes `A` and `a` for one name. */
  readonly caseInsensitive: boolean;
  /** Identities in the file system: of the git root's own git directory, and of the one its repository's worktrees share. */
  readonly gitDirectory: string | null;
  readonly repository: string | null;
}

/**
 * Looks a directory up on disk: a few calls, once per process and once per project made. A relative path starts at
 * `base`. Throws what the file system throws (`ENOENT`, `EACCES`, …), and `ENOTDIR` for a file.
 */
export function readWorkplace(directory: string, base = process.cwd()): WorkingDirectory {
  // The native call also gives each name the case it has on disk.
  const cwd = realpathSync.native(path.resolve(base, directory));
  if (!statSync(cwd).isDirectory()) throw new NotADirectory(cwd);
  const gitRoot = gitRootAbove(cwd) ?? null;
  return {
    cwd,
    gitRoot,
    worktreeOf: gitRoot === null ? null : mainWorkingTree(gitRoot),
    caseInsensitive: isCaseInsensitive(cwd),
    ...gitIdentities(gitRoot),
  };
}

class NotADirectory extends Error {
  readonly code = "ENOTDIR";

  constructor(file: string) {
    super(`ENOTDIR: not a directory, '${file}'`);
  }
}

/**
 * The main working tree of a linked worktree's repository. A bare repository has none, and stands for itself. Null for any
 * other git root, a submodule's too.
 */
function mainWorkingTree(gitRoot: string): string | null {
  const common = linkedTo(gitRoot);
  if (common === undefined) return null;
  return path.basename(common) === ".git" ? path.dirname(common) : common;
}

/** Asks for a name that is there in the other case: the same file means that case makes no difference. */
function isCaseInsensitive(directory: string): boolean {
  // Entries inside are the better witnesses: the directory's own name belongs to its parent's file system.
  const names = [...readdirSync(directory).map((name) => path.join(directory, name)), directory];
  const probe = names.find((file) => otherCase(file) !== file);
  if (probe === undefined) return false;
  const here = lstatSync(probe, { throwIfNoEntry: false });
  const there = lstatSync(otherCase(probe), { throwIfNoEntry: false });
  return here !== undefined && there !== undefined && here.ino === there.ino && here.dev === there.dev;
}

function otherCase(file: string): string {
  const base = path.basename(file);
  const other = base.toLowerCase() === base ? base.toUpperCase() : base.toLowerCase();
  return path.join(path.dirname(file), other);
}
