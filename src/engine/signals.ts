import { lockRun } from "../store/lock-order.js";
import { type Run, runOf } from "../store/runs.js";
import { keepSignal, waitingTasks } from "../store/task-begin.js";
import { findTaskAndSpec, type Task } from "../store/tasks.js";
import type { Tx } from "../store/tx.js";
import { concludeTask } from "./conclude.js";
import type { EngineContext } from "./context.js";
import { BatonError } from "./errors.js";
import { finishedRun, takesWork } from "./holding.js";
import { RunChange } from "./run-change.js";
import { noSuchTask, requireRun, taskId } from "./task-lookup.js";
import { endWaits } from "./waiting.js";

export interface SignalGiven {
  readonly run?: string | undefined;
  readonly task?: string | undefined;
  readonly event: string;
  readonly payload?: unknown;
  readonly agent: string;
}

export interface Signalled {
  /** The tasks that had waited for it. */
  readonly delivered: readonly Task[];
  readonly ready: readonly Task[];
  /** Nobody waited: it is kept for the first that will. */
  readonly kept: boolean;
}

/**
 * Delivers an event to every task of a run that waits for it, or to one task; kept where none does yet. Errors: `not_found`,
 * `invalid_transition` for a run that has ended or a task that no longer waits for it, `limit_exceeded` for a large payload.
 */
export function* signal(ctx: EngineContext, given: SignalGiven): Tx<Signalled> {
  requireSmall(ctx, given.payload);
  const target = given.task === undefined ? undefined : yield* signalledTask(given);
  const run = yield* lockOpenRun(target?.run ?? given.run ?? "");
  const change = new RunChange(ctx, run);
  const expecting = (yield* waitingTasks(run.id)).filter(({ spec }) => spec.event === given.event);
  const waiting = expecting.map(({ task }) => task).filter(({ id }) => target === undefined || id === target.id);
  const kept = waiting.length === 0;
  if (kept) {
    yield* keepSignal({
      id: ctx.newId("signal"),
      run: run.id,
      task: target?.id ?? null,
      event: given.event,
      payload: given.payload,
      createdAt: ctx.now,
      createdBy: given.agent,
    });
  }
  change.record({
    type: "run.signalled",
    agent: given.agent,
    task: target?.id ?? null,
    data: { event: given.event, delivered: waiting.map(({ key }) => key), kept },
  });
  const result = { event: given.event, payload: given.payload ?? null };
  const ready = yield* endWaits(change, waiting, (task) => concludeTask(change, task, { result, by: given.agent }));
  yield* change.flush();
  return { delivered: waiting, ready, kept };
}

function* lockOpenRun(id: string): Tx<Run> {
  const row = yield* lockRun(id);
  const run = row ? runOf(row) : yield* requireRun(id);
  if (!takesWork(run)) throw finishedRun(run);
  return run;
}

function* signalledTask({ task: reference = "", event }: SignalGiven): Tx<Task> {
  const found = yield* findTaskAndSpec(yield* taskId(reference));
  if (!found) throw noSuchTask(reference);
  const { task, spec } = found;
  const expected = spec.event ?? spec.dynamic?.step["event"];
  if (expected === event && (task.status === "waiting" || task.status === "pending")) return task;
  const why = expected === event ? `it is ${task.status}` : `it waits for no event "${event}"`;
  throw new BatonError("invalid_transition", `Task ${task.key} (${task.id}) cannot be given that event: ${why}.`, {
    details: { task: task.id, status: task.status, ...(typeof expected === "string" ? { expects: expected } : {}) },
    next: [{ tool: "get_task", arguments: { task: task.id } }],
  });
}

function requireSmall(ctx: EngineContext, payload: unknown): void {
  const bytes = payload === undefined ? 0 : Buffer.byteLength(JSON.stringify(payload));
  const max = ctx.settings.payload_bytes_max;
  if (bytes > max)
    throw new BatonError("limit_exceeded", `The payload has ${bytes} bytes; at most ${max} fit.`, {
      details: { bytes, max },
    });
}
