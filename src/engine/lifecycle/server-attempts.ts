import { type AttemptError, insertAttempt } from "../../store/tasks/attempts.js";
import { closeUnheld, tryAgainLater } from "../../store/tasks/server-steps.js";
import type { Reason, Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { earliest } from "../../base/time.js";
import { taskMachine, transition, type Settled } from "./machines.js";
import type { RunChange } from "./run-change.js";
import { SERVER } from "../context.js";

export interface Success {
  readonly result: unknown;
  /** Default: the server. */
  readonly by?: string;
}

export interface Refusal {
  readonly error: AttemptError;
  readonly by?: string;
  /** It was the last of the tries that the retry policy allows. */
  readonly counts?: boolean;
}

/** Ends a task that nobody holds well: what the server did, or somebody decided, is its attempt. */
export function* concludeTask(change: RunChange, task: Task, { result, by = SERVER }: Success): Tx<Settled> {
  const after = yield* close(change, task, { event: "conclude", result, error: null, by });
  change.record({ type: "task.succeeded", task: task.id, agent: by, data: { key: task.key, attempt: after.attempt } });
  return { task: after, as: "succeeded" };
}

/** Ends a task that nobody holds badly, for good. */
export function* refuseTask(change: RunChange, task: Task, { error, by = SERVER, counts }: Refusal): Tx<Settled> {
  const failures = task.failures + (counts === true ? 1 : 0);
  const after = yield* close(change, { ...task, failures }, { event: "expire", result: null, error, by });
  const { type, message } = error;
  change.record({
    type: "task.dead_letter",
    task: task.id,
    agent: by,
    data: { key: task.key, attempt: after.attempt, error: { type, message } },
  });
  return { task: after, as: "failed", reason: failureReason(task, error) };
}

interface Close {
  readonly event: "conclude" | "expire";
  readonly result: unknown;
  readonly error: AttemptError | null;
  readonly by: string;
}

function* close(change: RunChange, task: Task, { event, result, error, by }: Close): Tx<Task> {
  const { now } = change.ctx;
  const to = transition(taskMachine, task, event);
  const reasons = error === null ? [] : [{ kind: error.type, detail: error.message, blocking: [] }];
  const { failures } = task;
  const closed = yield* closeUnheld({ task: task.id, from: task.status, to, at: now, reasons, failures });
  if (!closed) throw new Error(`task ${task.id} changed under its run's lock`);
  const tried = yield* keepAttempt(change, task, { result, error, by });
  change.move(task, to, error === null ? undefined : { error, replayable: false });
  return { ...tried, status: to, reasons, endedAt: now, dueAt: null };
}

/** What the server did, or somebody decided, as an attempt of its own. Gives the task as its row counts it. */
function* keepAttempt(change: RunChange, task: Task, { result, error, by }: Omit<Close, "event">): Tx<Task> {
  const [attempt, token] = [task.attempt + 1, task.token + 1];
  const { now: at } = change.ctx;
  const outcome = error === null ? "succeeded" : "failed";
  yield* insertAttempt({
    task: task.id,
    number: attempt,
    agent: by,
    token,
    startedAt: task.startedAt ?? at,
    endedAt: at,
    outcome,
    result,
    error,
    usage: null,
    note: null,
  });
  change.noteAttempt({ task: task.id, outcome, cost: 0 });
  return { ...task, attempt, token };
}

/** Ends a try of a task that waits, and lets it begin again at an instant. */
export function* tryTaskAgain(change: RunChange, task: Task, { error, at }: { error: AttemptError; at: number }) {
  const to = transition(taskMachine, task, "try_again");
  const failures = task.failures + 1;
  const dueAt = earliest(at, task.closeBy);
  if (!(yield* tryAgainLater({ task: task.id, failures, availableAt: at, dueAt })))
    throw new Error(`task ${task.id} changed under its run's lock`);
  const { attempt } = yield* keepAttempt(change, task, { result: null, error, by: SERVER });
  change.move(task, to);
  const { type, message } = error;
  change.record({
    type: "task.retry",
    task: task.id,
    agent: SERVER,
    data: { key: task.key, attempt, outcome: "failed", error: { type, message }, retry_at: at },
  });
}

// Every task behind it keeps the reason: the whole message stands with the attempt.
const REASON_CHARS_MAX = 300;

/** What the dependents of a failed task say of it. */
export function failureReason(task: Task, error: AttemptError): Reason {
  const detail = `${task.key} failed: ${error.type}: ${error.message}`;
  return {
    kind: "dependency_failed",
    detail: detail.length <= REASON_CHARS_MAX ? detail : `${detail.slice(0, REASON_CHARS_MAX)}…`,
    blocking: [task.id],
  };
}
