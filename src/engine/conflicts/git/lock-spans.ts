import { isObject } from "../../../base/json.js";
import { completeSince, newestAnywhere, type StoredEvent } from "../../../store/events/history.js";
import type { Relative } from "../../../store/projects/projects.js";
import type { Tx } from "../../../store/tx.js";
import { isStale, nearbyLocks, patternOf } from "../../locks/conflicts.js";
import { directoryIn } from "../../locks/nested.js";
import { pathsInside } from "../../paths/nesting.js";
import { keptPattern, type PathPattern, storedPattern } from "../../paths/paths.js";
import type { Project } from "../../projects/projects.js";

/** A lock that allows to write, and when it was held. */
export interface LockSpan {
  readonly agent: string;
  readonly pattern: PathPattern;
  /** -Infinity where only its end is known. */
  readonly begun: number;
  /** Infinity where no end is known. */
  readonly ended: number;
}

/** A project, with those around and inside of it. */
export interface Nested {
  readonly project: Project;
  readonly family: readonly Relative[];
}

export interface LockHistory {
  readonly spans: readonly LockSpan[];
  /** From when on it has every lock. */
  readonly since: number;
}

/** The locks of a project and those around it that the history tells of. A query. */
export function* lockHistory({ project, family }: Nested): Tx<LockHistory> {
  const events = yield* newestAnywhere(["lock.granted", "lock.released", "lock.broken"]);
  const own = family.find(({ id }) => id === project.id);
  const around = new Map(family.map((other) => [other.id, own && directoryIn(other, own)]));
  const spans = new Map<string, LockSpan[]>();
  for (const event of events.toReversed()) {
    const directory = around.get(event.project ?? "");
    if (event.project !== project.id && directory === undefined) continue;
    for (const { path, token } of writableLocks(event)) {
      const key = `${event.project}/${token}`;
      const known = spans.get(key) ?? placed(project, { path, directory, agent: event.agent ?? "" });
      const change = event.type === "lock.granted" ? { begun: event.at } : { ended: event.at };
      // A lock that is granted once more, in a stronger mode, was held before.
      const isAgain = spans.has(key) && event.type === "lock.granted";
      spans.set(key, isAgain ? known : known.map((span) => ({ ...span, ...change })));
    }
  }
  return { spans: [...spans.values()].flat(), since: (yield* completeSince(events)) ?? Infinity };
}

/** The locks near some paths that stand now, also those that were granted long ago. Undefined where there are too many. A query. */
export function* standingSpans(
  now: number,
  project: Project,
  patterns: readonly PathPattern[],
): Tx<LockSpan[] | undefined> {
  const { locks, whole } = yield* nearbyLocks(now, project, patterns);
  if (!whole) return undefined;
  return locks.flatMap((lock): LockSpan[] => {
    if (lock.state !== "held" || lock.mode === "shared") return [];
    const ended = isStale(lock, now) ? (lock.expiresAt ?? now) : Infinity;
    return [{ agent: lock.agent, pattern: patternOf(lock), begun: lock.since, ended }];
  });
}

interface LockedPath {
  readonly path: string;
  /** Where the project lies in the one whose lock it is. */
  readonly directory: string | undefined;
  readonly agent: string;
}

function placed(project: Project, { path, directory, agent }: LockedPath): LockSpan[] {
  const pattern = keptPattern(project, path);
  const inside = directory === undefined ? [pattern] : pathsInside(directory, pattern, project.caseInsensitive);
  return inside.map((one) => {
    return { agent, pattern: storedPattern(project, one.path, one.kind), begun: -Infinity, ended: Infinity };
  });
}

function writableLocks({ data }: StoredEvent): { path: string; token: number }[] {
  const { locks } = data;
  if (!Array.isArray(locks)) return [];
  return locks.filter(isObject).flatMap(({ path, mode, token }) => {
    return typeof path === "string" && typeof token === "number" && mode !== "shared" ? [{ path, token }] : [];
  });
}
