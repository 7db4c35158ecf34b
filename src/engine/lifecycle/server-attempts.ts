import { startOf } from "../../base/texts/stored-values.js";
import { type AttemptError, insertAttempt } from "../../store/tasks/attempts.js";
import { closeUnheld, tryAgainLater } from "../../store/tasks/server-steps.js";
import type { Reason, Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { earliest } from "../../base/time.js";
import { taskMachine, type Settled } from "./machines.js";
import { transition } from "../machine.js";
import type { RunChange } from "./run-change.js";
import { SERVER } from "../context.js";

export interface ServerResult {
  readonly result: unknown;
  /** Default: the server. */
  readonly by?: string;
}

export interface ServerFailure {
  readonly error: AttemptError;
  readonly by?: string;
  /** Whether it counts against the retry policy. */
  readonly counts?: boolean;
}

/** Completes a task without a holder: the work of the server, or the decision of a person, is its attempt. */
export function* completeByServer(change: RunChange, task: Task, { result, by = SERVER }: ServerResult): Tx<Settled> {
  const after = yield* close(change, task, { event: "complete_by_server", result, error: null, by });
  change.recordTask({ ...task, agent: by }, "task.succeeded", { attempt: after.attempt });
  return { task: after, as: "succeeded" };
}

/** Makes a task without a holder a dead letter, with an attempt of the server or of a person. */
export function* failByServer(
  change: RunChange,
  task: Task,
  { error, by = SERVER, counts }: ServerFailure,
): Tx<Settled> {
  const failures = task.failures + (counts === true ? 1 : 0);
  const after = yield* close(change, { ...task, failures }, { event: "expire", result: null, error, by });
  const { type, message } = error;
  change.recordTask({ ...task, agent: by }, "task.dead_letter", { attempt: after.attempt, error: { type, message } });
  return { task: after, as: "failed", reason: failureReason(task, error) };
}

interface Close {
  readonly event: "complete_by_server" | "expire";
  readonly result: unknown;
  readonly error: AttemptError | null;
  readonly by: string;
}

function* close(change: RunChange, task: Task, { event, result, error, by }: Close): Tx<Task> {
  const { now } = change.ctx;
  const status = transition(taskMachine, task, event);
  const reasons = error === null ? [] : [{ kind: error.type, detail: error.message, blocking: [] }];
  const ended: Task = { ...task, status, reasons, endedAt: now, dueAt: null };
  if (!(yield* closeUnheld(ended, task.status))) throw new Error(`task ${task.id} changed under its run's lock`);
  const tried = yield* saveAttempt(change, ended, { result, error, by });
  change.move(task, status, error === null ? undefined : { error, replayable: false });
  return tried;
}

/** Saves an attempt of the server or of a person. Returns the task with the counts of its row. */
function* saveAttempt(change: RunChange, task: Task, { result, error, by }: Omit<Close, "event">): Tx<Task> {
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
    session: null,
  });
  const ofServer = { agent: null, type: task.kind, startedAt: null, durationMs: 0, submitted: false };
  change.recordAttempt({ ...ofServer, task: task.id, key: task.key, number: attempt, token, outcome });
  return { ...task, attempt, token };
}

/** Fails the attempt of a waiting task, which is tried again at an instant. */
export function* tryTaskAgain(change: RunChange, task: Task, { error, at }: { error: AttemptError; at: number }) {
  const to = transition(taskMachine, task, "try_again");
  const again = { ...task, failures: task.failures + 1, availableAt: at, dueAt: earliest(at, task.closeBy) };
  if (!(yield* tryAgainLater(again))) throw new Error(`task ${task.id} changed under its run's lock`);
  const { attempt } = yield* saveAttempt(change, task, { result: null, error, by: SERVER });
  change.move(task, to);
  const { type, message } = error;
  const data = { attempt, outcome: "failed", error: { type, message }, retry_at: at };
  change.recordTask({ ...task, agent: SERVER }, "task.retry", data);
}

// Each blocked dependent stores the reason; the whole message is in the attempt.
const REASON_CHARS_MAX = 300;

/** The reason of the dependents that a failed task blocks. */
export function failureReason(task: Task, error: AttemptError): Reason {
  const detail = `${task.key} failed: ${error.type}: ${error.message}`;
  return {
    kind: "dependency_failed",
    detail: detail.length <= REASON_CHARS_MAX ? detail : `${startOf(detail, REASON_CHARS_MAX)}…`,
    blocking: [task.id],
  };
}
