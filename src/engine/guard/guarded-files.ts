import { posix } from "node:path";
import { liesWithin } from "../../base/directories.js";
import { findTask } from "../../store/tasks/tasks.js";
import type { Lock } from "../../store/locks/locks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext, Workplace } from "../context.js";
import { isStale, keepsOut, LockTable, nearbyLocks, unlessTooMuch } from "../locks/conflicts.js";
import { type PathPattern, storedPattern } from "../paths/paths.js";
import { findProject, type Project } from "../projects/projects.js";
import { findHookCaller, type HookCaller } from "./hook-caller.js";
import { opensSession } from "./hook-sessions.js";
import { type HookOrigin, isFresh, mayBeOwn } from "./hook-origin.js";

/** Files at one place that something is about to happen to. Their paths are real and absolute. */
export interface GuardedFiles {
  readonly workplace: Workplace;
  readonly files: readonly string[];
}

/** A file that another agent holds. */
export interface HeldFile {
  /** As it was asked for. */
  readonly file: string;
  /** Relative to the root of its project. */
  readonly path: string;
  /** The pattern that is locked. */
  readonly lockedPath: string;
  readonly agent: string;
  readonly task: { readonly id: string; readonly key: string; readonly title: string } | undefined;
  /** Milliseconds since the epoch; null for as long as its task is held. */
  readonly until: number | null;
  readonly reason: string | null;
}

export interface Holdings {
  /** Files of others, one entry each. */
  readonly others: readonly HeldFile[];
  /** Files that the caller of the hook holds, as they were asked for. */
  readonly own: readonly string[];
  /** Whether the caller of the hook is to be recorded as present, or its locks made or renewed. */
  readonly isDue: boolean;
}

/** A lock without a task that an edit has made lasts so long after the last one. */
export const EDIT_LOCK_MS = 15 * 60_000;
/** An edit lock is renewed at most so often. */
const RENEW_EVERY_MS = 60_000;
/** All locks of the project are read at once for more files than these. */
const FILES_LOOKED_UP_MAX = 100;

/** Says who holds files. A query. */
export function* holdingsOf(ctx: EngineContext, origin: HookOrigin, places: readonly GuardedFiles[]): Tx<Holdings> {
  const caller = yield* findHookCaller(ctx, origin);
  const others: HeldFile[] = [];
  const own: string[] = [];
  let isDue = caller !== undefined && !(yield* isFresh(ctx, caller.agents[0] ?? ""));
  for (const place of places) {
    const project = yield* projectOf(ctx, place);
    if (project === undefined) {
      isDue ||= place.workplace.gitRoot !== null;
      continue;
    }
    const found = yield* locksOn(ctx, { project, place, origin, caller });
    for (const { file, pattern, held, mine } of found) {
      if (held !== undefined) others.push(yield* heldFile(file, pattern, held));
      else if (mine !== undefined) own.push(file);
      isDue ||= held === undefined && (mine === undefined || isDueForRenewal(ctx, mine));
    }
  }
  // Nothing can be taken for a caller that is not known and gets no session.
  const canTake = caller !== undefined || (origin.process !== undefined && opensSession(origin.client));
  return { others, own, isDue: isDue && canTake };
}

export function isDueForRenewal(ctx: EngineContext, { expiresAt }: Pick<Lock, "expiresAt">): boolean {
  return expiresAt !== null && expiresAt - ctx.now < EDIT_LOCK_MS - RENEW_EVERY_MS;
}

/** The project that files belong to: that with the nearest root. */
export function* projectOf(ctx: EngineContext, { workplace }: GuardedFiles): Tx<Project | undefined> {
  const project = yield* findProject({ ...ctx, caller: { ...ctx.caller, workplace } });
  return project?.status === "archived" ? undefined : project;
}

export interface FileLocks {
  readonly file: string;
  readonly pattern: PathPattern;
  /** Of another. */
  readonly held: Lock | undefined;
  /** The lock of the hook's caller that covers the file. */
  readonly mine: Lock | undefined;
  /** Whether others wait for it. */
  readonly isWanted: boolean;
  /** Intents of others. */
  readonly intents: readonly Lock[];
}

/** The locks on each file of a project. Too many to compare count as none. */
export function* locksOn(
  ctx: EngineContext,
  found: {
    readonly project: Project;
    readonly place: GuardedFiles;
    readonly origin: HookOrigin;
    readonly caller: HookCaller | undefined;
  },
): Tx<FileLocks[]> {
  const { project, place } = found;
  const named = place.files.flatMap((file) => {
    const pattern = patternIn(project, place.workplace, file);
    return pattern === undefined ? [] : [{ file, pattern }];
  });
  const patterns = named.map(({ pattern }) => pattern);
  const searched = patterns.length > FILES_LOOKED_UP_MAX ? [storedPattern(project, "./", "directory")] : patterns;
  const { locks, whole } = yield* nearbyLocks(ctx.now, project, searched);
  if (!whole || locks.length === 0) return whole ? named.map((one) => ({ ...one, ...FREE })) : [];
  const table = new LockTable(ctx.now, locks);
  const known = new Map<string, boolean>();
  const answer: FileLocks[] = [];
  for (const { file, pattern } of named) {
    const on = (unlessTooMuch(() => table.overlapping(pattern)) ?? []).filter((lock) => !isStale(lock, ctx.now));
    for (const lock of on) if (!known.has(ownerOf(lock))) known.set(ownerOf(lock), yield* mayBeOwn(ctx, found, lock));
    const isOwn = (lock: Lock) => known.get(ownerOf(lock)) === true;
    answer.push({
      file,
      pattern,
      held: on.find((lock) => lock.state !== "queued" && !isOwn(lock) && keepsOut(lock, on.filter(isOwn))),
      mine: on.find((lock) => lock.state === "held" && isOwn(lock)),
      isWanted: on.some((lock) => lock.state === "queued" && !isOwn(lock)),
      intents: on.filter((lock) => lock.mode === "intent" && !isOwn(lock)),
    });
  }
  return answer;
}

const FREE = { held: undefined, mine: undefined, isWanted: false, intents: [] } as const;

function ownerOf({ agent, session }: Lock): string {
  return `${agent}\n${session ?? ""}`;
}

/** A file as its project names it; undefined for one that lies outside of it. A file's name has no wild signs. */
function patternIn(project: Project, { gitRoot }: Workplace, file: string): PathPattern | undefined {
  const root = [project.root, gitRoot].find((one) => one !== null && liesWithin(one, file));
  if (root === undefined || root === null) return undefined;
  const below = posix.relative(root.replaceAll("\\", "/"), file.replaceAll("\\", "/")).normalize("NFC");
  return below === "" ? undefined : storedPattern(project, below, "file");
}

export function* heldFile(file: string, { path }: PathPattern, lock: Lock): Tx<HeldFile> {
  const task = lock.task === null ? undefined : yield* findTask(lock.task);
  return {
    file,
    path,
    lockedPath: lock.path,
    agent: lock.agent,
    task: task && { id: task.id, key: task.key, title: task.title },
    until: lock.expiresAt,
    reason: lock.reason,
  };
}
