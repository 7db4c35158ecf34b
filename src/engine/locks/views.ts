import type { Lock } from "../../store/locks/locks.js";
import { grouped } from "../../base/lists/groups.js";
import type { Obstacle } from "./conflicts.js";
import { iso, isoOrNull } from "../../base/time.js";
import { silenceView } from "../agents/presence.js";

/** The shapes in which locks stand in every answer and resource (spec 04, Shapes). */

/** `expires_at` is null for as long as its task is held. */
export function lockLine(lock: Pick<Lock, "path" | "mode" | "token" | "expiresAt">) {
  return { path: lock.path, mode: lock.mode, token: lock.token, expires_at: isoOrNull(lock.expiresAt) };
}

export type LockLine = ReturnType<typeof lockLine>;

/** Since when agents have made no call, of those that are silent. */
export type Silences = ReadonlyMap<string, number>;

/** The owner that blocks a path. */
export function conflictOf({ pattern, lock }: Obstacle) {
  return {
    path: pattern.path,
    held_by: lock.agent,
    ...(lock.task === null ? {} : { task: lock.task }),
    // `queued`: the owner asked earlier and waits too. `offered`: it was offered the lock and was not there.
    state: lock.state,
    mode: lock.mode,
    since: iso(lock.since),
    expires_at: isoOrNull(lock.state === "queued" ? (lock.queueEntry?.expiresAt ?? null) : lock.expiresAt),
    ...(lock.reason === null ? {} : { reason: lock.reason }),
    ...(lock.path === pattern.path ? {} : { locked_path: lock.path }),
  };
}

export interface Conflict extends ReturnType<typeof conflictOf> {
  /** Locks of the owner in a directory or glob, where it has several there, and the first of their paths. */
  readonly locks?: number;
  readonly locked_paths?: readonly string[];
}

const LOCKED_PATHS_SHOWN_MAX = 5;

/** Lists the owners that block paths, each once for each path that is asked for. */
export function conflictsOf(obstacles: readonly Obstacle[]): Conflict[] {
  const keyOf = ({ pattern, lock }: Obstacle) => JSON.stringify([pattern.path, lock.agent, lock.task, lock.state]);
  return [...grouped(obstacles, keyOf).values()].flatMap((group) => {
    const conflicts = group.map(conflictOf);
    const [first] = conflicts;
    if (first === undefined || conflicts.length === 1) return conflicts;
    const { locked_path: _, ...shared } = first;
    const locked_paths = group.slice(0, LOCKED_PATHS_SHOWN_MAX).map(({ lock }) => lock.path);
    const expires_at = latestOf(conflicts.map((one) => one.expires_at));
    return [{ ...shared, expires_at, locks: group.length, locked_paths }];
  });
}

/** Null is the end of a task, which has no instant. */
function latestOf(ends: readonly (string | null)[]): string | null {
  return ends.reduce((a, b) => (a === null || b === null ? null : a > b ? a : b));
}

/** A lock, an offer or a queue entry, in lists; with its token for its own holder alone. */
export function lockView(lock: Lock, { silent, reader }: { readonly silent: Silences; readonly reader: string }) {
  return {
    id: lock.id,
    path: lock.path,
    kind: lock.kind,
    mode: lock.mode,
    state: lock.state,
    agent: lock.agent,
    ...silenceView(silent.get(lock.agent)),
    ...(lock.task === null ? {} : { task: lock.task }),
    ...(lock.run === null ? {} : { run: lock.run }),
    ...(lock.state === "held" && lock.agent === reader ? { token: lock.token } : {}),
    since: iso(lock.since),
    expires_at: isoOrNull(lock.state === "queued" ? (lock.queueEntry?.expiresAt ?? null) : lock.expiresAt),
    ...(lock.reason === null ? {} : { reason: lock.reason }),
  };
}

export type LockView = ReturnType<typeof lockView>;
