import { createRequire } from "node:module";

/**
 * Globs are compared segment by segment: picomatch decides within a segment, a table over both patterns decides about
 * `**`. So the cost of a comparison is bounded for any input, where one regular expression for a whole hostile pattern
 * can take minutes.
 */

/** The wild signs of a segment: `*`, `?`, a class, alternatives. A bracket or brace that closes nothing is a letter. */
const WILD = /[*?]|\[[^\]]+\]|\{[^{}]*(?:,|\.\.)[^{}]*\}/;
const STAR_OR_GROUP = /\*|\{[^{}]*\}/g;

// The steps that a regular expression takes on a name of n characters grow as n to the number of stars and groups.
const STARS_AND_GROUPS_MAX = 3;
const ALTERNATIVES_MAX = 16;

export const GLOBSTAR = "**";

export function isWild(segment: string): boolean {
  return WILD.test(segment);
}

/** Returns the problem of a path or glob (normalised, with forward slashes), or undefined. */
export function globProblem(glob: string): string | undefined {
  // `@(app)` stands in names of routes.
  if (/[!+?*]\(|@\([^)]*\|/.test(glob))
    return "extended globs such as !(a) and +(a|b) are not supported; write {a,b} or several paths";
  if (/\{[^{}]*\{/.test(glob)) return "braces within braces are not supported; write several paths";
  if (/\{[^{}]*\/[^{}]*\}/.test(glob)) return "a brace group may not contain a slash; write several paths";
  for (const segment of glob.split("/")) {
    const groups = segment.match(STAR_OR_GROUP) ?? [];
    if (segment !== GLOBSTAR && groups.length > STARS_AND_GROUPS_MAX) {
      return `"${segment}" has more than ${STARS_AND_GROUPS_MAX} stars and brace groups in one segment`;
    }
    if (groups.some((group) => group.split(",").length > ALTERNATIVES_MAX)) {
      return `"${segment}" has a brace group of more than ${ALTERNATIVES_MAX} alternatives`;
    }
  }
  return undefined;
}

/** One step of a pattern: any number of segments, a name, or a wild segment. */
export type Segment = { readonly any: true } | Name;

interface Name {
  readonly any: false;
  readonly text: string;
  /** Undefined for a name that stands for itself alone. */
  readonly matches: ((name: string) => boolean) | undefined;
  /** The letters before the first wild sign and after the last. */
  readonly head: string;
  readonly tail: string;
}

export function literalSegment(text: string): Segment {
  return { any: false, text, matches: undefined, head: text, tail: text };
}

export function globSegment(text: string): Segment {
  if (text === GLOBSTAR) return { any: true };
  if (!isWild(text)) return literalSegment(text);
  const first = text.search(/[*?[{]/);
  const last = Math.max(...["*", "?", "]", "}"].map((sign) => text.lastIndexOf(sign)));
  return { any: false, text, matches: matcherOf(text), head: text.slice(0, first), tail: text.slice(last + 1) };
}

// Everything but the wild signs is a letter, and dot files are files.
const require = createRequire(import.meta.url);
const OPTIONS = { dot: true, nonegate: true, noextglob: true, windows: false } as const;

function matcherOf(segment: string): (name: string) => boolean {
  // A lock on `app/[slug]/page.tsx` is first of all a lock on the file of that name.
  const pattern = segment.replace(/\[[^\]]+\]|[()|+!@^$"'~]/g, (sign) => (sign.length > 1 ? sign : `\\${sign}`));
  // Loaded for the first pattern with a wild sign: a guard, which starts at each edit, meets none in most projects.
  const picomatch = require("picomatch") as (glob: string, options: typeof OPTIONS) => (name: string) => boolean;
  const matches = picomatch(pattern, OPTIONS);
  return (name) => name === segment || matches(name);
}

function segmentsOverlap(a: Name, b: Name): boolean {
  if (a.text === b.text) return true;
  if (!a.matches) return b.matches?.(a.text) ?? false;
  if (!b.matches) return a.matches(b.text);
  // Two wild segments: disjoint where their fixed beginnings or ends contradict each other, otherwise taken to overlap.
  const beginsAlike = a.head.startsWith(b.head) || b.head.startsWith(a.head);
  const endsAlike = a.tail.endsWith(b.tail) || b.tail.endsWith(a.tail);
  return beginsAlike && endsAlike;
}

/**
 * Whether some path may fit both: exact when one side has no wild signs, otherwise never falsely no. Symmetric.
 * O(a × b) comparisons of segments.
 */
export function segmentListsOverlap(a: readonly Segment[], b: readonly Segment[]): boolean {
  // fits[j]: the rest of a from the current segment on and the rest of b from j on may fit the same rest of a path.
  let fits: boolean[] = [];
  for (let i = a.length; i >= 0; i--) {
    const before = fits;
    const here = a[i];
    fits = [];
    for (let j = b.length; j >= 0; j--) {
      const there = b[j];
      if (!here && !there) fits[j] = true;
      else if (here?.any) fits[j] = before[j] === true || (there !== undefined && fits[j + 1] === true);
      else if (there?.any) fits[j] = fits[j + 1] === true || (here !== undefined && before[j] === true);
      else
        fits[j] = here !== undefined && there !== undefined && before[j + 1] === true && segmentsOverlap(here, there);
    }
  }
  return fits[0] === true;
}
