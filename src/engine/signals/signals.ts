import { lockRun } from "../../store/lock-order.js";
import { type Run } from "../../store/runs/runs.js";
import { saveSignal } from "../../store/signals/signals.js";
import { waitingTasks } from "../../store/tasks/server-steps.js";
import type { Task, TaskAndSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { completeByServer } from "../lifecycle/server-attempts.js";
import type { EngineContext } from "../context.js";
import { BatonError } from "../../base/errors.js";
import { finishedRun, takesWork } from "../lifecycle/run-state.js";
import { RunChange } from "../lifecycle/run-change.js";
import { listed, unfitness } from "../steps/output.js";
import { requireRun, requireTask } from "../lookup.js";
import { endWaits } from "./wait-steps.js";

export interface SignalGiven {
  readonly run?: string | undefined;
  readonly task?: string | undefined;
  readonly event: string;
  readonly payload?: unknown;
  readonly agent: string;
}

export interface Signalled {
  /** The tasks that had waited for it, as they are now. */
  readonly delivered: readonly Task[];
  readonly ready: readonly Task[];
  /** No step was waiting: the signal is kept for the first that will. */
  readonly kept: boolean;
  /** Events that steps of the run wait for now. */
  readonly awaited: readonly string[];
}

/**
 * Delivers an event to every task of a run that waits for it, or to one task; kept where none does yet. Errors: `not_found`,
 * `invalid_transition` for a run that has ended or a task that no longer waits for it, `limit_exceeded` for a large payload,
 * `invalid_input` for one that is not what a step asks for that would be given it now.
 */
export function* signal(ctx: EngineContext, given: SignalGiven): Tx<Signalled> {
  requireSmall(ctx, given.payload);
  const named = given.task === undefined ? undefined : yield* requireTask(given.task);
  const run = yield* lockOpenRun(named?.task.run ?? given.run ?? "");
  // Until then it may have ended.
  const target = named && (yield* expectingTask(named.task.id, given.event));
  const change = new RunChange(ctx, run);
  const expecting = target === undefined ? yield* waitingTasks(run.id) : [target];
  const waiting = expecting.filter(({ task, spec }) => task.status === "waiting" && spec.event === given.event);
  const result = { event: given.event, payload: given.payload ?? null };
  requireFit(target === undefined ? waiting : [target], result);
  const kept = waiting.length === 0;
  if (kept) {
    yield* saveSignal({
      id: ctx.newId("signal"),
      run: run.id,
      task: target?.task.id ?? null,
      event: given.event,
      payload: given.payload,
      createdAt: ctx.now,
      createdBy: given.agent,
    });
  }
  const tasks = waiting.map(({ task }) => task);
  change.record({
    type: "run.signalled",
    agent: given.agent,
    task: target?.task.id ?? null,
    data: { event: given.event, delivered: tasks.map(({ key }) => key), kept },
  });
  const delivered: Task[] = [];
  const ready = yield* endWaits(change, tasks, function* (task) {
    const settled = yield* completeByServer(change, task, { result, by: given.agent });
    delivered.push(settled.task);
    return settled;
  });
  yield* change.flush();
  const events = expecting.flatMap(({ task, spec }) => (task.status === "waiting" ? (spec.event ?? []) : []));
  return { delivered, ready, kept, awaited: [...new Set(events)] };
}

function* lockOpenRun(id: string): Tx<Run> {
  const run = (yield* lockRun(id)) ?? (yield* requireRun(id));
  if (!takesWork(run)) throw finishedRun(run);
  return run;
}

/** The one task that is to be given the event: it waits for it, or will. */
function* expectingTask(id: string, event: string): Tx<TaskAndSpec> {
  const found = yield* requireTask(id);
  const { task, spec } = found;
  const step = spec.dynamic?.step;
  const expected = spec.event ?? step?.["event"];
  const open = task.status === "waiting" || task.status === "pending";
  if (expected === event && open && step?.["for_each"] === undefined) return found;
  const why =
    expected !== event
      ? `it waits for no event "${event}"`
      : open
        ? "it stands for the elements of a list, and each of them waits for itself: name one of them, or the run"
        : `it is ${task.status}`;
  throw new BatonError("invalid_transition", `Task ${task.key} (${task.id}) cannot be given that event: ${why}.`, {
    details: { task: task.id, status: task.status, ...(typeof expected === "string" ? { expects: expected } : {}) },
    next: [{ tool: "get_task", arguments: { task: task.id } }],
  });
}

/** A sender whose data no step can take is told so, while the step goes on waiting. */
const NEXT_MAX = 3;

function requireFit(tasks: readonly TaskAndSpec[], result: Readonly<Record<string, unknown>>): void {
  const unfit = tasks.map(({ task, spec }) => ({ task, problems: unfitness(spec, result), output: spec.output }));
  const [first] = unfit.filter(({ problems }) => problems.length > 0);
  if (first === undefined) return;
  const { task, problems, output } = first;
  const fit = unfit.filter((one) => one.problems.length === 0).map((one) => one.task);
  const message = `The event is not what the output schema of task ${task.key} asks: ${listed(problems)}. Nothing was delivered.`;
  throw new BatonError("invalid_input", message, {
    details: { task: task.id, problems, output, fits: fit.map(({ id }) => id) },
    // Another step may be given what this one refuses.
    next: fit.slice(0, NEXT_MAX).map(({ id }) => ({
      tool: "call_operation",
      arguments: { name: "signal", arguments: { task: id, ...result } },
    })),
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
