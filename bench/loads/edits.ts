import { readFileSync } from "node:fs";
import path from "node:path";
import { type Random, seededRandom } from "../../src/runtime/random.js";
import { ROOT } from "../harness/places.js";

/** Lines that a change replaces, in the file as it was before. */
interface Hunk {
  readonly start: number;
  readonly removed: number;
  readonly added: number;
}

export interface Edit {
  readonly path: string;
  /** Lines of the file before. */
  readonly lines: number;
  readonly hunks: readonly Hunk[];
}

/** A recorded commit: what is edited together, and how long it took. */
export interface Change {
  readonly key: string;
  readonly ms: number;
  readonly edits: readonly Edit[];
}

interface Recorded {
  readonly paths: readonly string[];
  /** Seconds since the author's commit before, 0 where that is long ago; then for each file its path, its lines, and its hunks. */
  readonly commits: readonly (readonly [number, ...(readonly number[])[]])[];
}

/** The sources under `bench/data`, made by scripts/record-edits.mjs. */
export const RECORDED = ["baton", "vite"] as const;
export type RecordedName = (typeof RECORDED)[number];

/** Reads the changes of a repository in their order. One whose time is not known has that of a drawn other. */
export function changesOf(name: RecordedName, seed: number): Change[] {
  const file = path.join(ROOT, "bench/data", `edits-${name}.json`);
  const { paths, commits } = JSON.parse(readFileSync(file, "utf8")) as Recorded;
  const random = seededRandom(seed);
  const known = commits.flatMap(([seconds]) => (seconds > 0 ? [seconds] : []));
  return commits.map(([seconds, ...edits], at) => ({
    key: `c${at}`,
    ms: 1_000 * (seconds > 0 ? seconds : drawn(known, random)),
    edits: edits.map(([index = 0, lines = 0, ...flat]) => ({
      // The signs of globs and expressions are letters here.
      path: (paths[index] ?? "").replaceAll(/[^\w./-]/g, "_"),
      lines,
      hunks: hunksOf(flat),
    })),
  }));
}

function hunksOf(flat: readonly number[]): Hunk[] {
  const count = Math.floor(flat.length / 3);
  return Array.from({ length: count }, (_, at) => {
    const [start = 0, removed = 0, added = 0] = flat.slice(3 * at, 3 * at + 3);
    return { start, removed, added };
  });
}

function drawn(values: readonly number[], random: Random): number {
  return values[Math.floor(random.next() * values.length)] ?? 60;
}

export function changedLines({ hunks }: Edit): number {
  return hunks.reduce((sum, { removed, added }) => sum + removed + added, 0);
}

/**
 * Whether two edits of one file conflict as git merges: hunks that touch or overlap, measured from the top, and from the end, since what
 * is appended lies where the end was then. A new or deleted file conflicts as a whole.
 */
export function conflict(a: Edit, b: Edit): boolean {
  if (a.hunks.length === 0 || b.hunks.length === 0) return false;
  if (a.lines === 0 || b.lines === 0) return true;
  const drift = b.lines - a.lines;
  return a.hunks.some((one) =>
    b.hunks.some((other) => touches(one, other) || touches({ ...one, start: one.start + drift }, other)),
  );
}

function touches(a: Hunk, b: Hunk): boolean {
  return a.start <= b.start + b.removed && b.start <= a.start + a.removed;
}
