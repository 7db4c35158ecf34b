import { LOCK_STATES, type LockMode } from "../../base/statuses.js";
import { type Lock, locksByPrefix, LOCKS_READ_MAX } from "../../store/locks/locks.js";
import type { LockOwner } from "../../store/locks/requests.js";
import { together, type Tx } from "../../store/tx.js";
import { relatives } from "../../store/projects/projects.js";
import { locksOfRelatives, type NearLock } from "./nested.js";
import { BatonError } from "../../base/errors.js";
import { isAbove, overlaps, type PathPattern, prefixesAbove, storedPattern } from "../paths/paths.js";
import type { ModedPattern } from "../paths/file-sets.js";

/** A requester's own locks are those for the same task, and those without one where the task is the agent's only one. */
export interface Requester extends LockOwner {
  readonly ownsUntasked: boolean;
}

/** The position of a request in the order in which requests are served. */
export interface QueuePosition {
  readonly position: number;
  readonly askedAt: number;
  /** Id of the request; empty for one that is not queued: among equals it comes last. */
  readonly id: string;
}

/** The locks a requester wants, all or none. */
export interface WantedLocks {
  readonly by: Requester;
  readonly patterns: readonly ModedPattern[];
  readonly queuePosition: QueuePosition;
}

/** A lock or an earlier request that stands in the way of a wanted pattern. */
export interface Obstacle {
  readonly pattern: PathPattern;
  readonly lock: Lock;
}

/** Whether locks of two agents on one file keep each other out. */
export function excludes(a: LockMode, b: LockMode): boolean {
  return a !== "intent" && b !== "intent" && (a === "exclusive" || b === "exclusive");
}

/** The stronger of two modes: a lock that is renewed in another mode never gets weaker. */
export function stronger(a: LockMode, b: LockMode): LockMode {
  return STRENGTHS.indexOf(a) >= STRENGTHS.indexOf(b) ? a : b;
}
const STRENGTHS: readonly LockMode[] = ["intent", "shared", "exclusive"];

/** Whether a request is served before another. */
export function isEarlier(a: QueuePosition, b: QueuePosition): boolean {
  if (a.position !== b.position) return a.position < b.position;
  if (a.askedAt !== b.askedAt) return a.askedAt < b.askedAt;
  return b.id === "" ? a.id !== "" : a.id !== "" && a.id < b.id;
}

export function queuePositionOf({ request, queueEntry }: Lock): QueuePosition {
  if (!queueEntry) throw new Error(`request ${request} has queued locks and no queue entry`);
  return { position: queueEntry.position, askedAt: queueEntry.askedAt, id: request };
}

/** Whether a lock or a queue entry has outlived its time or its holder. */
export function isStale(lock: Lock, now: number): boolean {
  if (lock.state === "queued") return !lock.queueEntry || lock.queueEntry.expiresAt <= now;
  if (lock.expiresAt !== null && lock.expiresAt <= now) return true;
  // A task's lock ends with the task's lease, which ends when the task is taken away.
  return lock.state === "held" && lock.task === null && lock.sessionGone;
}

export function isOwn(lock: LockOwner, by: Requester): boolean {
  return lock.agent === by.agent && (lock.task === by.task || (lock.task === null && by.ownsUntasked));
}

/** A project as far as its locks meet those of others. */
export interface LockSpace {
  readonly id: string;
  /** As in `Project`; undefined where it is not known. */
  readonly outermost?: string | null | undefined;
}

/** The locks near some paths; not `whole` where there are more than one transaction may look through. */
export interface NearbyLocks {
  readonly locks: readonly NearLock[];
  readonly whole: boolean;
}

/**
 * Returns the locks, offers and queue entries whose patterns may overlap these, of projects around and inside too. The cost does not
 * depend on the others. Errors: `limit_exceeded` for more than one transaction may look through.
 */
export function* locksNear(now: number, space: LockSpace, patterns: readonly PathPattern[]): Tx<readonly NearLock[]> {
  const { locks, whole } = yield* nearbyLocks(now, space, patterns);
  if (!whole) throw tooMuchToCompare({ locks_max: LOCKS_READ_MAX });
  return locks;
}

/** Returns the same, as many as one transaction may look through: for decisions that no caller can make smaller. */
export function* nearbyLocks(now: number, space: LockSpace, patterns: readonly PathPattern[]): Tx<NearbyLocks> {
  const locks = patterns.length === 0 ? [] : yield* readNear(now, space, patterns);
  return { locks, whole: locks.length <= LOCKS_READ_MAX };
}

function* readNear(
  now: number,
  { id: project, outermost }: LockSpace,
  patterns: readonly PathPattern[],
): Tx<NearLock[]> {
  const exactly = new Set<string>();
  const under = new Set<string>();
  for (const pattern of patterns) {
    for (const prefix of prefixesAbove(pattern)) exactly.add(prefix);
    under.add(pattern.prefix);
  }
  const highest = [...under].filter((prefix) => !hasAncestorIn(prefix, under));
  const search = { project, exactly: [...exactly].sort(), under: highest.sort() };
  if (outermost === null) return yield* locksByPrefix(now, search);
  const [own, family] = yield* together([locksByPrefix(now, search), relatives(project)]);
  return family.length === 0 ? own : [...own, ...(yield* locksOfRelatives(now, { project, family, patterns }))];
}

function hasAncestorIn(prefix: string, prefixes: ReadonlySet<string>): boolean {
  if (prefix === "") return false;
  if (prefixes.has("")) return true;
  for (let end = prefix.indexOf("/"); end >= 0; end = prefix.indexOf("/", end + 1)) {
    if (prefixes.has(prefix.slice(0, end))) return true;
  }
  return false;
}

// Far more than real work has, and still well under a second.
export const COMPARISONS_MAX = 100_000;

interface Known {
  readonly lock: NearLock;
  readonly pattern: PathPattern;
}

/** Locks read from the database, as far as the decisions of one transaction have changed them. */
export class LockTable {
  readonly #files = new Map<string, Map<string, Known>>();
  readonly #wide = new Map<string, Known>();
  /** Files by each directory above them; undefined until it is asked for, and after a change. */
  #below: Map<string, Known[]> | undefined;
  #comparisons = 0;

  constructor(
    readonly now: number,
    locks: Iterable<NearLock>,
  ) {
    for (const lock of locks) this.add(lock);
  }

  add(lock: NearLock): void {
    this.#below = undefined;
    const known = { lock, pattern: patternOf(lock) };
    if (known.pattern.kind !== "file") {
      this.#wide.set(lock.id, known);
      return;
    }
    const others = this.#files.get(known.pattern.key);
    if (others) others.set(lock.id, known);
    else this.#files.set(known.pattern.key, new Map([[lock.id, known]]));
  }

  remove(lock: Lock): void {
    this.#below = undefined;
    const { kind, key } = patternOf(lock);
    if (kind !== "file") this.#wide.delete(lock.id);
    else this.#files.get(key)?.delete(lock.id);
  }

  all(): NearLock[] {
    return [...this.#wide.values(), ...this.#allFiles()].map(({ lock }) => lock);
  }

  /**
   * Returns every lock that overlaps a pattern, the requester's own too. Errors: `limit_exceeded` for too much to
   * compare.
   */
  overlapping(pattern: PathPattern): NearLock[] {
    const isFile = pattern.kind === "file";
    const found = isFile ? this.#filesAlong(pattern) : [];
    const candidates = [this.#wide.values(), isFile ? [] : this.#allFiles()];
    for (const known of candidates.flatMap((some) => [...some])) {
      if (++this.#comparisons > COMPARISONS_MAX) throw tooMuchToCompare({ comparisons_max: COMPARISONS_MAX });
      if (overlaps(pattern, known.pattern)) found.push(known);
    }
    return found.map(({ lock }) => lock);
  }

  /** Files at a path, above it and below it, at a cost that does not grow with the number of others. */
  #filesAlong(pattern: PathPattern): Known[] {
    this.#below ??= filesByDirectory(this.#allFiles());
    const above = prefixesAbove(pattern).flatMap((key) => [...(this.#files.get(key)?.values() ?? [])]);
    return [...above, ...(this.#below.get(pattern.key) ?? [])];
  }

  #allFiles(): Known[] {
    return [...this.#files.values()].flatMap((known) => [...known.values()]);
  }

  /** One's own held lock on the very pattern, or on one that contains the file. */
  ownOn(pattern: PathPattern, by: Requester): { exact: Lock | undefined; covered: boolean } {
    const own = this.overlapping(pattern).filter(
      (lock) =>
        lock.state === "held" &&
        lock.elsewhere === undefined &&
        isOwn(lock, by) &&
        (lock.expiresAt === null || lock.expiresAt > this.now),
    );
    const same = own.filter((lock) => patternOf(lock).key === pattern.key);
    // A lock upgraded while its request waited has both rows; the exclusive one counts.
    const exact = same.find((lock) => lock.mode === "exclusive") ?? same[0];
    const keeping = own.filter(({ mode }) => mode !== "intent");
    const covered =
      keeping.some((lock) => patternOf(lock).key === pattern.key) ||
      (pattern.kind === "file" && keeping.some((lock) => !isAbove(pattern, patternOf(lock))));
    return { exact, covered };
  }

  /**
   * Returns the obstacles of a request: locks of others, and requests of others that are served before it. A requester
   * that holds a file already does not queue behind those who wait for it.
   */
  obstacles(wanted: WantedLocks): Obstacle[] {
    const obstacles: Obstacle[] = [];
    for (const { pattern, mode } of wanted.patterns) {
      const others = this.overlapping(pattern).filter((lock) => !isOwn(lock, wanted.by) && excludes(lock.mode, mode));
      const inLine = others.some((lock) => lock.state === "queued");
      const mayPass = inLine && this.ownOn(pattern, wanted.by).covered;
      for (const lock of others.sort(nearestFirst)) {
        const waits = lock.state === "queued";
        if (waits && (mayPass || isStale(lock, this.now) || !isEarlier(queuePositionOf(lock), wanted.queuePosition)))
          continue;
        obstacles.push({ pattern, lock });
      }
    }
    return obstacles;
  }
}

/** A lock of another that a granted one meets without waiting for it. */
export interface MetLock extends Obstacle {
  /** The mode of the granted lock. */
  readonly mode: LockMode;
}

/**
 * Returns the locks of others that a request meets without waiting for them: intents, and for an intent every lock that is held or
 * offered.
 */
export function locksMet(table: LockTable, { by, patterns }: Pick<WantedLocks, "by" | "patterns">): MetLock[] {
  return patterns.flatMap(({ pattern, mode }) =>
    table
      .overlapping(pattern)
      .filter((lock) => lock.state !== "queued" && lock.agent !== by.agent && !isStale(lock, table.now))
      .filter((lock) => lock.mode === "intent" || mode === "intent")
      .sort(nearestFirst)
      .map((lock) => ({ pattern, mode, lock })),
  );
}

/**
 * Whether another's lock keeps an agent that has these locks from editing the files under it. An intent keeps no one out, and an agent that
 * declared its own on one of the files before the lock was made goes on.
 */
export function keepsOut(lock: Lock, own: readonly Lock[]): boolean {
  if (lock.mode === "intent") return false;
  const before = own.filter(({ mode, state, since }) => mode === "intent" && state === "held" && since < lock.since);
  return !before.some((intent) => overlaps(patternOf(intent), patternOf(lock)));
}

function filesByDirectory(files: readonly Known[]): Map<string, Known[]> {
  const below = new Map<string, Known[]>();
  for (const known of files) {
    for (const directory of prefixesAbove(known.pattern).slice(1, -1)) {
      const others = below.get(directory);
      if (others) others.push(known);
      else below.set(directory, [known]);
    }
  }
  return below;
}

/** Returns what a comparison of locks gives, undefined where that is too much to compare: for decisions that no caller can make smaller. */
export function unlessTooMuch<T>(compare: () => T): T | undefined {
  try {
    return compare();
  } catch (error) {
    if (error instanceof BatonError && error.code === "limit_exceeded") return undefined;
    throw error;
  }
}

/** Sorts holders before waiting requests, those in queue order. */
function nearestFirst(a: Lock, b: Lock): number {
  if (a.state !== b.state) return LOCK_STATES.indexOf(a.state) - LOCK_STATES.indexOf(b.state);
  if (a.queueEntry && b.queueEntry && a.request !== b.request)
    return isEarlier(queuePositionOf(a), queuePositionOf(b)) ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

export function patternOf(lock: Lock): PathPattern {
  return storedPattern(lock, lock.path, lock.kind);
}

export function tooMuchToCompare(details: Readonly<Record<string, number>>): BatonError {
  const message =
    "So many locks and requests meet here that comparing them would take too long. Nothing was done. " +
    "Name fewer paths, single files, or a directory instead of many globs; list_file_locks shows who holds them.";
  return new BatonError("limit_exceeded", message, { details });
}
