import { readlinkSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { liesWithin } from "../../base/directories.js";
import { hasCode } from "../../base/errors.js";

/**
 * Whether a symbolic link on the way leads a path (relative to `root`, normalised, wild signs allowed) outside of the
 * root. The longest part of it that exists decides, and for a link to nothing the place it names. A root that is not on
 * this machine holds nothing that could lead out of it.
 */
export function leavesRoot(root: string, relative: string): boolean {
  const realRoot = unlessMissing(() => realpathSync.native(root));
  if (realRoot === undefined) return false;
  const real = realPlace(path.resolve(root, relative));
  return real === undefined || !liesWithin(realRoot, real);
}

/** Whether a path (relative to `root`, normalised) is in truth, whatever links lead there, git's own or inside of it. */
export function isGits(root: string, relative: string): boolean {
  const real = realPlace(path.resolve(root, relative));
  return real === undefined || real.split(/[\\/]/).some((name) => GITS.has(name.toLowerCase()));
}

const GITS = new Set([".git", "git~1"]);

// As many as Linux follows.
const LINKS_MAX = 40;

/** No file system has longer paths: to look for one segment by segment would take minutes. */
export const PATH_CHARS_MAX = 4_096;

/** Where a path leads, of which the end need not exist; undefined for one that goes round. */
export function realPlace(absolute: string, links = LINKS_MAX): string | undefined {
  if (links === 0) return undefined;
  for (let way = absolute; ; way = path.dirname(way)) {
    const below = path.relative(way, absolute);
    const real = unlessMissing(() => realpathSync.native(way));
    if (real !== undefined) return path.join(real, below);
    const target = unlessMissing(() => readlinkSync(way));
    if (target !== undefined)
      return realPlace(path.resolve(realpathSync.native(path.dirname(way)), target, below), links - 1);
    if (way === path.dirname(way)) return absolute;
  }
}

/** Where a path lies, of which only the directories are followed: a symbolic link itself. */
export function placeOfLink(absolute: string): string | undefined {
  const directory = realPlace(path.dirname(absolute));
  return directory === undefined ? undefined : path.join(directory, path.basename(absolute));
}

/** False also for a place that leads nowhere or cannot exist. */
export function isDirectoryAt(place: string): boolean {
  return unlessMissing(() => statSync(place))?.isDirectory() === true;
}

// EINVAL is what readlink says of something that is no link.
const MISSING = ["ENOENT", "ENOTDIR", "EACCES", "ENAMETOOLONG", "ELOOP", "EINVAL"] as const;

/** Returns what `read` finds at a path, or undefined for one that leads nowhere or cannot exist. */
export function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, ...MISSING)) return undefined;
    throw error;
  }
}
