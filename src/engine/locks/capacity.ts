import { BatonError } from "../../base/errors.js";
import { countLocks, LOCKS_READ_MAX } from "../../store/locks/locks.js";
import type { Tx } from "../../store/tx.js";
import type { LockTable } from "./conflicts.js";

/** Paths that the requests in line near each other may ask for: each further one is held against all of them. */
const QUEUED_NEARBY_MAX = 2_000;

/** Bounds the locks of a project; those of tasks count, and are not refused. Errors: `limit_exceeded`. */
export function* requireLockCapacity(project: string, more: number): Tx<void> {
  const locks = yield* countLocks(project);
  if (locks + more <= LOCKS_READ_MAX) return;
  const message = `This project has ${locks} file locks and requests for locks, this call adds ${more}, and at most ${LOCKS_READ_MAX} fit.`;
  throw tooManyLocks(project, message, { locks, added: more, locks_max: LOCKS_READ_MAX });
}

/** Bounds what is waited for in one place, as `requireLockCapacity` does in the project. */
export function* requireQueueCapacity(project: string, more: number, nearby: LockTable): Tx<void> {
  const queued = nearby.all().filter(({ state }) => state === "queued").length;
  if (queued + more <= QUEUED_NEARBY_MAX) return yield* requireLockCapacity(project, more);
  const message = `Agents wait for ${queued} of these paths or paths nearby, this call adds ${more}, and at most ${QUEUED_NEARBY_MAX} can be waited for.`;
  throw tooManyLocks(project, message, { queued, added: more, queued_max: QUEUED_NEARBY_MAX });
}

function tooManyLocks(project: string, message: string, details: Readonly<Record<string, number>>): BatonError {
  const way =
    "Nothing was done. Name a directory or a glob instead of its files, or ask again later without wait_seconds.";
  const next = [{ tool: "query_operation", arguments: { name: "list_file_locks", arguments: { project } } }];
  return new BatonError("limit_exceeded", `${message} ${way}`, { details, next });
}
