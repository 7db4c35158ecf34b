import { BatonError } from "../../base/errors.js";
import type { FoundAgent } from "../../store/agents/agents.js";
import { endHandoff, type Handoff } from "../../store/channels/handoffs.js";
import { appendEvents } from "../../store/events/events.js";
import { lockAgent } from "../../store/lock-order.js";
import { insertAttempt } from "../../store/tasks/attempts.js";
import { runningTasksOf, type Task } from "../../store/tasks/tasks.js";
import { handOver } from "../../store/tasks/transitions.js";
import { findDemand } from "../../store/scheduling/lanes.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { moveWindows } from "../context-windows/moving.js";
import { attemptOf } from "../lifecycle/attempts.js";
import { begunBy, type LeaseTerms, leaseTerms } from "../lifecycle/leases.js";
import type { LockedTask } from "../lifecycle/locked-task.js";
import { RunChange } from "../lifecycle/run-change.js";
import { moveTaskLocks } from "../locks/task-locks.js";
import { unpark } from "../scheduling/parking.js";
import { ownProject } from "../projects/projects.js";
import { reserveTask } from "../tasks/assignments.js";
import { lockOffer, refusal, requireTaker, tell } from "./handoffs.js";
import { handoffEvent } from "./settling.js";

export interface Acceptance {
  readonly handoff: Handoff;
  readonly task: Task;
  /** Undefined where the task has come back meanwhile: it is reserved for the caller, and a claim takes it. */
  readonly lease: LeaseTerms | undefined;
}

/**
 * Takes over an offered task: lease, file locks and context windows move in this transaction, with new tokens, and the sender's attempt ends as
 * released. Errors: as `lockOffer`; `limit_exceeded` for an agent that runs as many tasks as it may; `not_permitted` by not_by.
 */
export function* acceptHandoff(ctx: EngineContext, id: string, recipient: FoundAgent): Tx<Acceptance> {
  const { handoff, locked } = yield* lockOffer(ctx, id, recipient.name);
  const { task } = locked;
  if (task.orders === "cancel_requested") throw refusal("invalid_transition", task, "it is being cancelled");
  if (task.orders === "preempted") throw refusal("invalid_transition", task, "it gives way to another task");
  yield* requireTaker(task, recipient, ctx.caller);
  yield* lockAgent(recipient.name);
  const accepted = (yield* endHandoff(task.id, { status: "accepted", at: ctx.now })) ?? handoff;
  const succession = { task: task.id, from: handoff.sender, to: recipient.name };
  if (task.status !== "running") {
    const reserved = yield* reserveTask(ctx, locked, recipient.name);
    yield* appendEvents(ctx, [handoffEvent(accepted)]);
    yield* moveWindows(ctx, succession);
    yield* thank(ctx, accepted, locked);
    return { handoff: accepted, task: reserved, lease: undefined };
  }
  yield* requireCapacity(recipient, handoff);
  const taken = yield* takeOver(ctx, locked, { recipient: recipient.name, handoff: accepted });
  yield* moveWindows(ctx, succession);
  yield* thank(ctx, accepted, locked);
  const lease = leaseTerms(ctx, { session: taken.session, expiresAt: taken.leaseExpiresAt ?? ctx.now });
  return { handoff: accepted, task: taken, lease };
}

function* thank(ctx: EngineContext, handoff: Handoff, { task }: LockedTask): Tx<void> {
  const body = "Accepted: your token is no longer valid.";
  yield* tell(ctx, handoff, { by: handoff.recipient, to: handoff.sender, subject: `${task.key} is taken over`, body });
}

function* requireCapacity({ name, maxConcurrentTasks: max }: FoundAgent, { id, expiresAt }: Handoff): Tx<void> {
  const live = yield* runningTasksOf(name, max);
  if (live.length < max) return;
  const held = live.map(({ key, run }) => `${key} of run ${run}`).join(", ");
  const message = `${name} runs as many tasks as it registered for (max_concurrent_tasks ${max}): ${held}. Nothing was changed: end or release one, then accept handoff ${id} before ${new Date(expiresAt).toISOString()}.`;
  throw new BatonError("limit_exceeded", message, {
    details: { handoff: id, running: live.length, max },
    next: live.slice(0, 1).map(({ id: task }) => ({ tool: "get_task", arguments: { task } })),
  });
}

interface Succession {
  readonly recipient: string;
  readonly handoff: Handoff;
}

function* takeOver(ctx: EngineContext, locked: LockedTask, { recipient, handoff }: Succession): Tx<Task> {
  const { task, spec, run, counters } = locked;
  const demand = yield* findDemand(task.demand);
  if (!demand) throw new Error(`task ${task.id} has no demand`);
  const taken = begunBy(ctx, { task, spec }, { agent: recipient, demand });
  const change = new RunChange(ctx, run, counters);
  yield* handOver(taken, task.token);
  yield* endAttemptOf(ctx, task, handoff);
  change.recordAttempt({ ...attemptOf(locked, ctx.now), outcome: "released", submitted: false });
  change.append([handoffEvent(handoff)]);
  change.recordTask(task, "task.released", { token: task.token, attempt: task.attempt, handoff: handoff.id });
  yield* moveFiles(change, locked, taken);
  change.recordTask(taken, "task.claimed", { token: taken.token, attempt: taken.attempt, handoff: handoff.id });
  yield* change.flush();
  return taken;
}

function* endAttemptOf(ctx: EngineContext, task: Task, { recipient, reason }: Handoff): Tx<void> {
  yield* insertAttempt({
    task: task.id,
    number: task.attempt,
    agent: task.agent ?? "",
    token: task.token,
    startedAt: task.startedAt ?? ctx.now,
    endedAt: ctx.now,
    outcome: "released",
    result: undefined,
    error: null,
    usage: null,
    note: task.progressNote ?? `Handed over to ${recipient}: ${reason}`,
    session: task.session,
  });
}

function* moveFiles(change: RunChange, { task, files }: LockedTask, { agent, session }: Task): Tx<void> {
  if (!files) return;
  const space = yield* ownProject(task);
  const moving = { space, locks: files.locks, from: task.agent ?? "" };
  const { freed, events } = yield* moveTaskLocks(change.ctx, moving, { agent: agent ?? "", session });
  change.append(events);
  if (freed.length > 0) yield* unpark(freed, new Set([...files.parkedRuns, task.run]));
}
