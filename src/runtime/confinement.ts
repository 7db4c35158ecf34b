import { readlinkSync, realpathSync } from "node:fs";
import path from "node:path";

/**
 * Whether a symbolic link on the way leads a path (relative to `root`, normalised, wild signs allowed) outside of the
 * root. The longest part of it that exists decides, and for a link to nothing the place it names. A root that is not on
 * this machine holds nothing that could lead out of it.
 */
export function leavesRoot(root: string, relative: string): boolean {
  const realRoot = unlessMissing(() => realpathSync.native(root));
  return realRoot !== undefined && leadsOutside(realRoot, path.resolve(root, relative), LINKS_MAX);
}

// As many as Linux follows.
const LINKS_MAX = 40;

function leadsOutside(realRoot: string, absolute: string, links: number): boolean {
  if (links === 0) return true;
  for (let way = absolute; ; way = path.dirname(way)) {
    const real = unlessMissing(() => realpathSync.native(way));
    if (real !== undefined) return !isInside(realRoot, real);
    const target = unlessMissing(() => readlinkSync(way));
    if (target !== undefined) return leadsOutside(realRoot, path.resolve(path.dirname(way), target), links - 1);
    if (way === path.dirname(way)) return false;
  }
}

function isInside(root: string, absolute: string): boolean {
  const way = path.relative(root, absolute);
  return way === "" || (way !== ".." && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way));
}

// EINVAL is what readlink says of something that is no link.
const MISSING = new Set(["ENOENT", "ENOTDIR", "EACCES", "ENAMETOOLONG", "ELOOP", "EINVAL"]);

function unlessMissing(look: () => string): string | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && "code" in error && MISSING.has(String(error.code))) return undefined;
    throw error;
  }
}
