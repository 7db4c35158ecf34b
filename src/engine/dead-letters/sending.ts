import { BatonError } from "../../base/errors.js";
import { defined } from "../../base/json.js";
import type { AttemptError } from "../../store/tasks/attempts.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { settleDependents } from "../lifecycle/dependents.js";
import { lockTask } from "../lifecycle/locked-task.js";
import { taskMachine } from "../lifecycle/machines.js";
import { RunChange } from "../lifecycle/run-change.js";
import { failByServer } from "../lifecycle/server-attempts.js";
import { canMove } from "../machine.js";
import { withdrawReviews } from "../tasks/cancellation.js";
import { failAttempt } from "../tasks/tasks.js";

export interface DeadLetterRequest {
  readonly task: string;
  readonly reason: string;
  readonly error?: { readonly [K in "type" | "message" | "stack"]?: string | undefined } | undefined;
  /** Facts of the attempt that its sender knows. */
  readonly context?: unknown;
  readonly by: string;
}

/** Fails a task by hand, held or not. Errors: `invalid_transition` for one that has ended. */
export function* sendToDeadLetters(ctx: EngineContext, request: DeadLetterRequest): Tx<Task> {
  const { task: reference, by } = request;
  const error = errorOf(ctx, request);
  const locked = yield* lockTask(reference);
  if (locked.task.status === "running") {
    const failed = yield* failAttempt(ctx, locked, { error, outcome: "failed", fenced: true, retryable: false });
    return failed.task;
  }
  if (!canMove(taskMachine, locked.task, "expire")) throw endedAlready(locked.task);
  const change = new RunChange(ctx, locked.run, locked.counters);
  const withdrawn = yield* withdrawReviews(change, locked.task, error.message);
  const settled = yield* failByServer(change, locked.task, { error, by });
  yield* settleDependents(change, [...withdrawn, settled]);
  yield* change.flush();
  return settled.task;
}

function errorOf(ctx: EngineContext, { reason, error = {}, context }: DeadLetterRequest): AttemptError {
  const { type = "sent_by_hand", message, stack } = error;
  const bytes = context === undefined ? 0 : Buffer.byteLength(JSON.stringify(context));
  const max = ctx.settings.payload_bytes_max;
  if (bytes > max) {
    const said = `The context has ${bytes} bytes; at most ${max} fit: write the bulk to a file and give its path.`;
    throw new BatonError("limit_exceeded", said, { details: { bytes, bytes_max: max } });
  }
  const told = message === undefined || message === reason ? reason : `${reason}: ${message}`;
  return { type, message: told, ...defined({ stack, context }) };
}

function endedAlready({ id, key, run, status }: Task): BatonError {
  const look = { name: "list_dead_letters", arguments: { run, status: "pending" } };
  const alreadyDead = status === "dead_letter";
  const rest = alreadyDead
    ? "it is replayed, resolved or discarded through its dead letter"
    : "only what has not ended is given up";
  const message = `Task ${key} (${id}) is ${status} already: ${rest}. Nothing was changed.`;
  return new BatonError("invalid_transition", message, {
    details: { task: id, status },
    next: [alreadyDead ? { tool: "query_operation", arguments: look } : { tool: "get_task", arguments: { task: id } }],
  });
}
