import { type Attempt, findAttemptByToken } from "../../store/tasks/attempts.js";
import { type Lock, locksOfTask } from "../../store/locks/locks.js";
import { runsParkedOn } from "../../store/scheduling/lanes.js";
import { lockProject, lockRun, lockRunOfPlainTask, lockRuns } from "../../store/lock-order.js";
import { countersIfAny, countersOfPlainTask, type Counters } from "../../store/runs/counters.js";
import { type Run } from "../../store/runs/runs.js";
import { findTaskAndSpec, type Task, type TaskAndSpec } from "../../store/tasks/tasks.js";
import { RestartTransaction, together, type Tx } from "../../store/tx.js";
import { BatonError } from "../../base/errors.js";
import { type GivenHandle, requireHolder } from "../agents/holder.js";
import type { EngineContext } from "../context.js";
import { noSuchTask, taskId } from "../lookup.js";

/** A task with its run, when all rows that ending it needs are locked. */
export interface LockedTask extends HeldTask {
  /** Counters of its run, under its lock. */
  readonly counters: Counters;
}

export interface HeldTask extends TaskAndSpec {
  /** Whether any message was sent since none waited for its holder, as the task was read. */
  readonly hasNews?: boolean;
  /** Whether a success of its attempt changes a circuit breaker. */
  readonly hasBreaker?: boolean;
  readonly run: Run;
  /** The files that it holds; undefined where it holds none, and then its project is not locked. */
  readonly files: HeldFiles | undefined;
}

export interface HeldFiles {
  readonly locks: readonly Lock[];
  /** Runs that are locked too, because they have tasks parked on the files. */
  readonly parkedRuns: ReadonlySet<string>;
}

/**
 * Locks, in order, the rows that ending or changing a task needs: its project where it holds files, the runs parked on its locks and
 * its own run. Returns the task as it is then. Errors: `not_found`.
 */
export function* lockTask(reference: string): Tx<LockedTask> {
  const id = yield* taskId(reference);
  const [run, found, counters] = yield* together([
    lockRunOfPlainTask(id),
    findTaskAndSpec(id),
    countersOfPlainTask(id),
  ]);
  if (!found) throw noSuchTask(id);
  if (!run) return yield* lockWithFiles(found.task);
  // Its holder may have locked a file between the first read and the lock.
  if (found.task.holdsFiles || !counters) throw new RestartTransaction(`task ${id} has come to hold files meanwhile`);
  return { ...found, run, counters, files: undefined };
}

// Under the project's lock no other transaction changes the files that the task holds, or parks work on them.
function* lockWithFiles({ id, project, run: runId, holdsFiles }: Task): Tx<LockedTask> {
  const [, locks] = yield* together([lockProject(project), locksOfTask(id)]);
  const parked = yield* runsParkedOn([...new Set(locks.map((lock) => lock.request))]);
  if (parked.length > 0) yield* lockRuns([...parked, runId]);
  const [run, found, counters] = yield* together([lockRun(runId), findTaskAndSpec(id), countersIfAny(runId)]);
  if (!run || !found || !counters) throw noSuchTask(id);
  if (!holdsFiles) throw new RestartTransaction(`task ${id} has given back its files meanwhile`);
  return { ...found, run, counters, files: { locks, parkedRuns: new Set(parked) } };
}

/** A task reference with the token of the attempt that the caller holds. */
export interface TaskToken extends GivenHandle {
  readonly task: string;
  readonly token: number;
}

/** The task of a token: held, or with the attempt that the token has ended. */
export type TokenUse = { readonly held: LockedTask } | { readonly ended: LockedTask & { readonly attempt: Attempt } };

/**
 * Locks the running task of a token. An attempt that the same token has ended is returned as `ended`, so that the same call twice
 * gets the same answer. Errors: `not_found`, `stale_token` with the holder of the task, `not_permitted` for another than the holder.
 */
export function* lockByToken(ctx: EngineContext, { task: reference, token, agent }: TaskToken): Tx<TokenUse> {
  const locked = yield* lockTask(reference);
  if (locked.task.status === "running" && locked.task.token === token) {
    yield* requireHolder(ctx, { ...locked, holder: locked.task }, { agent });
    return { held: locked };
  }
  const attempt = yield* findAttemptByToken(locked.task.id, token);
  if (!attempt) throw staleToken(locked, token);
  return { ended: { ...locked, attempt } };
}

/** As `lockByToken`, for calls that make no sense once the attempt has ended. */
export function* requireHeld(ctx: EngineContext, held: TaskToken): Tx<LockedTask> {
  const found = yield* lockByToken(ctx, held);
  if ("held" in found) return found.held;
  throw staleToken(found.ended, held.token, found.ended.attempt);
}

export function staleToken(
  { task, run }: Pick<LockedTask, "task" | "run">,
  token: number,
  attempt?: Attempt,
): BatonError {
  const state =
    task.status === "running"
      ? `${task.agent ?? "another agent"} holds it now`
      : `it is ${task.status} and has no holder`;
  const what = attempt
    ? `the attempt of that token has ended (${endOf(attempt)})`
    : "that token is not the current one";
  const isRunOver = run.endedAt !== null || run.status === "cancelling";
  const stop = task.status === "cancelled" ? "Stop: the task is cancelled, nothing more of it is to be done. " : "";
  return new BatonError(
    "stale_token",
    `${stop}Token ${token} no longer holds task ${task.key} (${task.id}): ${what}; ${state}. Nothing was changed.`,
    {
      details: {
        task: task.id,
        status: task.status,
        token,
        held_by: task.agent,
        ...(attempt ? { attempt: { number: attempt.number, outcome: attempt.outcome } } : {}),
      },
      next: [
        { tool: "get_task", arguments: { task: task.id } },
        { tool: "claim_task", arguments: isRunOver ? { project: run.project } : { run: run.id } },
      ],
    },
  );
}

/** How an attempt ended; why its lease was lost, where the holder lived. */
function endOf({ outcome, error }: Attempt): string {
  return outcome === "lease_lost" && error ? `${outcome}: ${error.message}` : outcome;
}
