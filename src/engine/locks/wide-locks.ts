import { shownLine } from "../../base/texts/shown-text.js";
import type { Lock } from "../../store/locks/locks.js";
import { keptPattern, overlaps, type PathPattern, storedPattern } from "../paths/paths.js";

/** Exclusive locks that were given back, as JSON data. */
export interface FreedLocks {
  readonly paths: readonly string[];
  readonly caseInsensitive: boolean;
  /** Since when the first of them was held. */
  readonly since: number;
  readonly until: number;
  /** Whether others waited for them. */
  readonly isAwaited: boolean;
}

const PATHS_MAX = 20;
/** A lock that more files than these needed is as wide as its work. */
const FEW_FILES = 3;
/** Hooks lock a file after its first edit. */
const BEFORE_MS = 60_000;

/** Returns the exclusive ones of locks that end; undefined where there is none. */
export function freedOf(
  locks: readonly Lock[],
  { until, isAwaited }: Pick<FreedLocks, "until" | "isAwaited">,
): FreedLocks | undefined {
  const own = locks.filter(({ state, mode }) => state === "held" && mode === "exclusive");
  const [first] = own;
  if (first === undefined) return undefined;
  const paths = [...new Set(own.map(({ path }) => path))].slice(0, PATHS_MAX);
  const since = Math.min(...own.map((lock) => lock.since));
  return { paths, caseInsensitive: first.caseInsensitive, since, until, isAwaited };
}

/** Where to look for what changed under them: git is asked only where a directory or glob was locked. */
export function changesUnder({ paths, since }: FreedLocks) {
  const kinds = paths.map((path) => keptPattern({ caseInsensitive: false }, path));
  const files = kinds.flatMap(({ kind, path }) => (kind === "file" ? [path] : []));
  return { since: since - BEFORE_MS, files, asksGit: files.length < paths.length };
}

/** Says which of the locks were wider than what changed under them, and what to do next time; undefined where none was. */
export function wideLocksNote(freed: FreedLocks, changed: readonly string[]): string | undefined {
  const files = changed.map((file) => storedPattern(freed, file, "file"));
  const wide = freed.paths.flatMap((path) => widthOf(keptPattern(freed, path), files) ?? []);
  if (wide.length === 0) return undefined;
  const minutes = Math.round((freed.until - freed.since) / 60_000);
  const held = minutes < 2 ? "" : ` for ${minutes} min`;
  const shown = wide.slice(0, NAMED_MAX).map(({ words }) => words);
  const more = wide.length > shown.length ? ` and ${wide.length - shown.length} more` : "";
  const awaited = freed.isAwaited ? ", and others waited" : "";
  const needed = wide.flatMap((one) => one.changed).slice(0, NAMED_MAX);
  const call =
    needed.length === 0
      ? "acquire_file_lock when you come to edit"
      : `acquire_file_lock {"paths": ${JSON.stringify(needed)}}`;
  return `Locked${held} wider than edited: ${shown.join("; ")}${more}${awaited}. Next time lock the files alone, when you edit them: ${call}, with mode "intent" where edits merge; a step names such files in files.write, or leaves them out.`;
}

const NAMED_MAX = 5;

/** The files that changed under a lock that more were locked by; undefined where it was no wider. */
function widthOf(lock: PathPattern, files: readonly PathPattern[]) {
  const changed = files.filter((file) => overlaps(lock, file)).map(({ path }) => shownLine(path));
  const path = shownLine(lock.path);
  if (changed.length === 0) return { words: `${path} did not change`, changed };
  if (lock.kind === "file" || changed.length > FEW_FILES) return undefined;
  return { words: `of ${path} only ${changed.join(", ")} changed`, changed };
}
