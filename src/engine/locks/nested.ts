import { sep } from "node:path";
import { type Lock, locksByPrefix } from "../../store/locks/locks.js";
import type { Relative } from "../../store/projects/projects.js";
import { together, type Tx } from "../../store/tx.js";
import { pathFromAround, pathsInside } from "../paths/nesting.js";
import { foldCase, type PathPattern, prefixesAbove } from "../paths/paths.js";

// Projects may lie inside of each other, and then have files in common. A lock of one counts in the others: it is read as if it were
// theirs, under the path that it has there.

/** A lock near the paths of a project: its own, or one of another project that means files of both. */
export interface NearLock extends Lock {
  /** Set for a lock of another project, which is changed there alone. */
  readonly elsewhere?: true;
}

interface Nearby {
  readonly project: string;
  readonly family: readonly Relative[];
  readonly patterns: readonly PathPattern[];
}

/** The locks of projects around or inside of one that may overlap its patterns, under their paths in it. */
export function* locksOfRelatives(now: number, { project, family, patterns }: Nearby): Tx<NearLock[]> {
  const self = family.find(({ id }) => id === project);
  if (self === undefined) return [];
  const found = yield* together(
    family.filter(({ id }) => id !== project).map((other) => locksOfRelative(now, { self, other, patterns })),
  );
  return found.flat();
}

interface Pair {
  readonly self: Relative;
  readonly other: Relative;
  readonly patterns: readonly PathPattern[];
}

function* locksOfRelative(now: number, { self, other, patterns }: Pair): Tx<NearLock[]> {
  const inside = directoryIn(self, other);
  const around = directoryIn(other, self);
  const prefixes =
    inside === undefined
      ? around === undefined
        ? []
        : patterns.map(({ prefix }) => (prefix === "" ? around : `${around}/${prefix}`))
      : patterns.flatMap(({ prefix }) => prefixInside(keyOf(self, inside), prefix));
  if (prefixes.length === 0) return [];
  const exactly = [...new Set(prefixes.flatMap((prefix) => prefixesAbove({ prefix: keyOf(other, prefix) })))].sort();
  const under = prefixes.includes("") ? [""] : [...new Set(prefixes.map((prefix) => keyOf(other, prefix)))].sort();
  const locks = yield* locksByPrefix(now, { project: other.id, exactly, under });
  return locks.flatMap((lock) => {
    const placed =
      inside === undefined ? pathsInside(around ?? "", lock, self.caseInsensitive) : [pathFromAround(inside, lock)];
    return placed.map(({ path, kind }, at) => ({
      ...lock,
      id: at === 0 ? lock.id : `${lock.id}/${at}`,
      path,
      kind,
      caseInsensitive: self.caseInsensitive,
      elsewhere: true as const,
    }));
  });
}

/** The directory that a project has inside of another; undefined where it does not lie there. */
export function directoryIn({ root }: Relative, { root: inner }: Relative): string | undefined {
  const start = root.endsWith(sep) ? root : `${root}${sep}`;
  return inner.startsWith(start) ? inner.slice(start.length).split(sep).join("/").normalize("NFC") : undefined;
}

function keyOf({ caseInsensitive }: Relative, path: string): string {
  return caseInsensitive ? foldCase(path) : path;
}

/** The prefix of a pattern within a directory: empty for a pattern that begins above it, none for one that lies beside it. */
function prefixInside(directory: string, prefix: string): string[] {
  if (prefix.startsWith(`${directory}/`)) return [prefix.slice(directory.length + 1)];
  return prefix === "" || prefix === directory || directory.startsWith(`${prefix}/`) ? [""] : [];
}
