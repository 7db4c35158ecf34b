import type { LockMode } from "../../base/statuses.js";
import type { Lock } from "../../store/locks/locks.js";
import type { Obstacle } from "./conflicts.js";
import { iso, isoOrNull } from "../../base/time.js";

/** The shapes in which locks stand in every answer and resource (spec 04, Shapes). */
export interface LockLine {
  readonly path: string;
  readonly mode: LockMode;
  /** Fencing token. */
  readonly token: number;
  /** ISO 8601; null for as long as its task is held. */
  readonly expires_at: string | null;
}

export function lockLine(lock: Pick<Lock, "path" | "mode" | "token" | "expiresAt">): LockLine {
  return { path: lock.path, mode: lock.mode, token: lock.token, expires_at: isoOrNull(lock.expiresAt) };
}

/** The owner that blocks a path. */
export interface Conflict {
  readonly path: string;
  readonly held_by: string;
  readonly task?: string;
  /** `queued`: who asked earlier and waits too. `offered`: whom it was offered, who was not there. */
  readonly state: Lock["state"];
  readonly mode: LockMode;
  readonly since: string;
  readonly expires_at: string | null;
  readonly reason?: string;
  /** The locked path or pattern, where it is not the path itself. */
  readonly locked_path?: string;
}

export function conflictOf({ pattern, lock }: Obstacle): Conflict {
  return {
    path: pattern.path,
    held_by: lock.agent,
    ...(lock.task === null ? {} : { task: lock.task }),
    state: lock.state,
    mode: lock.mode,
    since: iso(lock.since),
    expires_at: isoOrNull(lock.state === "queued" ? (lock.queueEntry?.expiresAt ?? null) : lock.expiresAt),
    ...(lock.reason === null ? {} : { reason: lock.reason }),
    ...(lock.path === pattern.path ? {} : { locked_path: lock.path }),
  };
}

/** A lock, an offer or a queue entry, in lists. */
export function lockView(lock: Lock) {
  return {
    id: lock.id,
    path: lock.path,
    kind: lock.kind,
    mode: lock.mode,
    state: lock.state,
    agent: lock.agent,
    ...(lock.task === null ? {} : { task: lock.task }),
    ...(lock.run === null ? {} : { run: lock.run }),
    ...(lock.state === "held" ? { token: lock.token } : {}),
    since: iso(lock.since),
    expires_at: isoOrNull(lock.state === "queued" ? (lock.queueEntry?.expiresAt ?? null) : lock.expiresAt),
    ...(lock.reason === null ? {} : { reason: lock.reason }),
  };
}

export type LockView = ReturnType<typeof lockView>;
