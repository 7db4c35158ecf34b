import { createHash } from "node:crypto";

/** Names in a definition, and of projects, agents and workflows, match this. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
export const NAME_LENGTH_MAX = 100;
export const NAME_RULE = `letters, digits, ".", "_" and "-", starting with a letter or digit, at most ${NAME_LENGTH_MAX} characters`;

/** Ids of runs match this. */
export const RUN_ID = /^run_[0-9a-z]{16}$/;

/** Returns the form in which a session keeps the id that a client gives its conversation; null for none, and for a text that is no id. */
export function conversationKey(id: unknown): string | null {
  const text = typeof id === "string" ? id.trim() : "";
  return /^[ -~]+$/.test(text) ? `client:${text.slice(0, 200)}` : null;
}

export function isName(value: string): boolean {
  return value.length <= NAME_LENGTH_MAX && NAME_PATTERN.test(value);
}

/** Whether a template is the one that a name means: others write hyphens where the shipped ones have underscores. */
export function isNamed(name: string, wanted: string | undefined): boolean {
  return name === wanted || name === wanted?.replaceAll("-", "_");
}

/** Makes a name out of any text, such as a directory's. */
export function nameFrom(text: string, fallback: string): string {
  const name = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "")
    .slice(0, NAME_LENGTH_MAX);
  return name === "" ? fallback : name;
}

/** The candidate that was probably meant, or undefined where none is close. Among equals the first. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  return nearestFew(name, candidates, 1)[0];
}

/** Up to `count` candidates that may have been meant, the closest first. */
export function nearestFew(name: string, candidates: Iterable<string>, count: number): string[] {
  const wanted = folded(name.slice(0, NAME_LENGTH_MAX));
  const bound = Math.max(1, Math.floor(wanted.length / 3));
  const close: { candidate: string; distance: number }[] = [];
  for (const candidate of candidates) {
    const distance =
      editDistance(wanted, folded(candidate), bound) ?? (isBeginning(name, candidate) ? bound + 1 : undefined);
    if (distance !== undefined) close.push({ candidate, distance });
  }
  return close
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** Whether a name is the first words of a longer one: `timeout` of `timeout_seconds`. */
function isBeginning(name: string, candidate: string): boolean {
  return name.length >= 3 && /^[_-]/.test(candidate.slice(name.length)) && candidate.startsWith(name);
}

/** ` (did you mean "x"?)`, or nothing. For the end of a sentence. */
export function hint(name: string, candidates: Iterable<string>): string {
  const meant = nearest(name, candidates);
  return meant === undefined ? "" : ` (did you mean "${meant}"?)`;
}

// "max-parallel", "maxParallel" and "max_parallel" are one name to a person.
function folded(name: string): string {
  return name.toLowerCase().replaceAll(/[-_. ]/g, "");
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours that lead from one text to the other (optimal string
 * alignment; Damerau, "A technique for computer detection and correction of spelling errors", CACM 7(3), 1964), or
 * undefined above the bound.
 */
function editDistance(a: string, b: string, bound: number): number | undefined {
  if (Math.abs(a.length - b.length) > bound) return undefined;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(substituted, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    if (Math.min(...row) > bound) return undefined;
    beforeLast = last;
    last = row;
  }
  const distance = last[b.length] ?? 0;
  return distance <= bound ? distance : undefined;
}

const SLUG_LENGTH_MAX = 40;

/** `claude-code-3f2a`: the client's name, and enough of its conversation, or else of the session, to tell its windows apart. */
export function handleOf(client: string, conversation: string): string {
  return `${slugOf(client, "agent")}-${suffixOf(conversation)}`;
}

export function slugOf(client: string, fallback: string): string {
  const slug = client
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, SLUG_LENGTH_MAX);
  return slug === "" ? fallback : slug;
}

export function suffixOf(id: string): string {
  return createHash("sha256").update(id).digest("hex").slice(0, 4);
}
