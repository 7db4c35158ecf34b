import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { liesWithin } from "../../base/directories.js";
import { BatonError } from "../../base/errors.js";
import { isDirectoryAt, leavesRoot, realPlace } from "./confinement.js";
import { gitRootAbove } from "./git-root.js";

/** A project as its paths are looked up: its real root, and whether all worktrees of its repository mean the same files. */
export interface PathRoot {
  readonly root: string;
  readonly sharesWorktrees: boolean;
}

/** A path or glob as it lies on disk, or the linked worktree whose file it is. */
export type RealPath = { readonly path: string } | { readonly worktree: string };

const WILD = /[*?[{]/;

/** A path or glob as it lies on disk. Errors: `invalid_input` for one that leaves the root by a link, or is another worktree's file. */
export function pathOnDisk(place: PathRoot, written: string): string {
  const { root } = place;
  const found = realPath(place, written);
  if ("worktree" in found) {
    const message =
      `The path "${written}" lies in the linked worktree ${found.worktree}, whose files are not those of ${root}. ` +
      "Lock it from there, or let all worktrees share their paths: update_project with config {worktrees: shared}.";
    throw new BatonError("invalid_input", message, { details: { path: written, worktree: found.worktree, root } });
  }
  if (!found.path.startsWith("/") && leavesRoot(root, found.path)) {
    const message = `The path "${written}" leads outside the project root ${root} by a symbolic link.`;
    throw new BatonError("invalid_input", message, { details: { path: written, root } });
  }
  return found.path;
}

/**
 * Resolves the links on the way to a path or glob, as far as it exists and has no wild sign, and says whether it is a directory
 * by a slash at its end. The result is relative to the root; a path that lies elsewhere stays absolute, or as it was written.
 */
export function realPath({ root, sharesWorktrees }: PathRoot, written: string): RealPath {
  const asWritten = { path: written };
  const text = written.replaceAll("\\", "/");
  if (text === "" || text.includes("\0")) return asWritten;
  const { literal, rest } = partsOf(text);
  const target = path.resolve(root, literal);
  const place = realPlace(target);
  const realRoot = realPlace(root);
  if (place === undefined || realRoot === undefined) return asWritten;
  const worktree = worktreeAround(place, realRoot);
  if (worktree !== undefined && !sharesWorktrees && !liesWithin(worktree, realRoot)) return { worktree };
  const isOwn = worktree !== undefined && sharesWorktrees && linkedTo(worktree) === commonDirectory(realRoot);
  const base = isOwn ? worktree : realRoot;
  if (!liesWithin(base, place)) return path.isAbsolute(text) ? { path: [place, ...rest].join("/") } : asWritten;
  const relative = path.relative(base, place).split(path.sep).join("/");
  const isDirectory = rest.length === 0 && (text.endsWith("/") || isDirectoryAt(place));
  const last = rest.length > 0 ? rest : isDirectory ? [""] : [];
  return { path: [relative === "" ? "." : relative, ...last].join("/") };
}

/** The part before the first wild segment, and the segments from there on. */
function partsOf(text: string): { literal: string; rest: string[] } {
  const segments = text.split("/");
  const wildAt = segments.findIndex((segment) => WILD.test(segment));
  if (wildAt < 0) return { literal: text, rest: [] };
  const literal = segments.slice(0, wildAt).join("/");
  return { literal: literal === "" && text.startsWith("/") ? "/" : literal, rest: segments.slice(wildAt) };
}

/** The linked worktree that a place lies in, unless it is the root itself. */
function worktreeAround(place: string, root: string): string | undefined {
  const gitRoot = gitRootAbove(place);
  return gitRoot !== undefined && gitRoot !== root && linkedTo(gitRoot) !== undefined ? gitRoot : undefined;
}

/** The common directory of a linked worktree's repository; undefined for any other git root. */
export function linkedTo(gitRoot: string): string | undefined {
  const own = gitDirectory(gitRoot);
  // Git writes this file into the directory of a linked worktree alone (gitrepository-layout).
  const pointer = own && path.join(own, "commondir");
  if (own === undefined || pointer === undefined || !existsSync(pointer)) return undefined;
  return realPlace(path.resolve(own, readFileSync(pointer, "utf8").trim()));
}

/** The git directory that the worktrees of a root's repository share; undefined where there is no repository. */
export function commonDirectory(gitRoot: string): string | undefined {
  return linkedTo(gitRoot) ?? gitDirectory(gitRoot);
}

function gitDirectory(gitRoot: string): string | undefined {
  const link = path.join(gitRoot, ".git");
  const found = statSync(link, { throwIfNoEntry: false });
  if (found === undefined || !found.isFile()) return found && realpathSync.native(link);
  const target = /^gitdir: (.+)$/m.exec(readFileSync(link, "utf8"))?.[1];
  return target === undefined ? undefined : realPlace(path.resolve(gitRoot, target.trim()));
}

/** Identities of a root's git directory and of its repository's. A move within a file system keeps them; a copy has others. */
export function gitIdentities(gitRoot: string | null): { gitDirectory: string | null; repository: string | null } {
  const own = gitRoot === null ? undefined : gitDirectory(gitRoot);
  const common = gitRoot === null ? undefined : commonDirectory(gitRoot);
  return { gitDirectory: identityOf(own), repository: identityOf(common) };
}

function identityOf(directory: string | undefined): string | null {
  const found = directory && statSync(directory, { throwIfNoEntry: false, bigint: true });
  if (found === undefined || found === "") return null;
  // Inode numbers are used again, birth times are not. A device's number changes with a reboot.
  return found.birthtimeNs === 0n ? `${found.dev}:${found.ino}` : `${found.ino}@${found.birthtimeNs}`;
}
