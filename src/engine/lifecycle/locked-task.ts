import { type Attempt, findAttemptByToken } from "../../store/tasks/attempts.js";
import { type Lock, locksOfTask } from "../../store/locks/locks.js";
import { runsParkedOn } from "../../store/scheduling/lanes.js";
import { lockProject, lockRunOfTask, lockRuns } from "../../store/lock-order.js";
import { type Run } from "../../store/runs/runs.js";
import { findTaskAndSpec, findTaskPlace, type TaskAndSpec, type TaskPlace } from "../../store/tasks/tasks.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import { BatonError } from "../../base/errors.js";
import { noSuchTask, taskId } from "../lookup.js";

/** A task whose run is locked, and everything that must be locked to end it. */
export interface Locked extends TaskAndSpec {
  readonly run: Run;
  /** What it holds and waits for; undefined when it holds no file, and then its project is not locked. */
  readonly files: HeldFiles | undefined;
}

export interface HeldFiles {
  readonly locks: readonly Lock[];
  /** The runs locked with its own, because they have tasks parked on what it holds. */
  readonly parkedRuns: ReadonlySet<string>;
}

/**
 * Takes, in order, the rows that ending or changing a task needs: its project when it holds files, its run and the runs parked
 * on its locks. Gives the task as it is then. Errors: `not_found`.
 */
export function* lockTask(reference: string): Tx<Locked> {
  const id = yield* taskId(reference);
  const place = yield* findTaskPlace(id);
  if (!place) throw noSuchTask(id);
  const files = place.holdsFiles ? yield* lockWithFiles(id, place) : undefined;
  const run = yield* lockRunOfTask(id);
  const found = yield* findTaskAndSpec(id);
  if (!run || !found) throw noSuchTask(id);
  // Its holder may have locked a file between the first look and the locks.
  if (!files && found.task.holdsFiles) {
    throw new RestartTransaction(`task ${id} has come to hold files meanwhile`);
  }
  return { ...found, run, files };
}

// Under the project's lock nobody else changes what the task holds, or parks work on it.
function* lockWithFiles(task: string, { project, run }: TaskPlace): Tx<HeldFiles> {
  yield* lockProject(project);
  const locks = yield* locksOfTask(task);
  const parked = yield* runsParkedOn(project, [...new Set(locks.map((lock) => lock.request))]);
  if (parked.length > 0) yield* lockRuns([...parked, run]);
  return { locks, parkedRuns: new Set(parked) };
}

/** What a call that goes on with a task carries. */
export interface TokenOfTask {
  readonly task: string;
  readonly token: number;
}

/** What became of a call that carries a token. */
export type Held = { readonly held: Locked } | { readonly ended: Locked & { readonly attempt: Attempt } };

/**
 * The running task of a token. An attempt that this very token has ended is given as `ended`, so that the same call twice gets the
 * same answer. Errors: `not_found`, `stale_token` with who holds the task now.
 */
export function* holdTask({ task: reference, token }: TokenOfTask): Tx<Held> {
  const locked = yield* lockTask(reference);
  if (locked.task.status === "running" && locked.task.token === token) return { held: locked };
  const attempt = yield* findAttemptByToken(locked.task.id, token);
  if (attempt) return { ended: { ...locked, attempt } };
  throw staleToken(locked, token);
}

/** As `holdTask`, for calls that make no sense once the attempt has ended. */
export function* requireHeld(held: TokenOfTask): Tx<Locked> {
  const found = yield* holdTask(held);
  if ("held" in found) return found.held;
  throw staleToken(found.ended, held.token, found.ended.attempt);
}

export function staleToken({ task, run }: Pick<Locked, "task" | "run">, token: number, attempt?: Attempt): BatonError {
  const state =
    task.status === "running"
      ? `${task.agent ?? "another agent"} holds it now with token ${task.token}`
      : `it is ${task.status} and nobody holds it; its last token was ${task.token}`;
  const what = attempt
    ? `the attempt of that token has ended (${attempt.outcome})`
    : "that token is not the current one";
  return new BatonError(
    "stale_token",
    `Token ${token} no longer holds task ${task.key} (${task.id}): ${what}; ${state}. Nothing was changed.`,
    {
      details: {
        task: task.id,
        status: task.status,
        token,
        current_token: task.token,
        held_by: task.agent,
        ...(attempt ? { attempt: { number: attempt.number, outcome: attempt.outcome } } : {}),
      },
      next: [
        { tool: "get_task", arguments: { task: task.id } },
        { tool: "claim_task", arguments: { run: run.id } },
      ],
    },
  );
}
