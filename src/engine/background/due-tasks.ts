import type { AttemptError } from "../../store/tasks/attempts.js";
import { setDue } from "../../store/tasks/transitions.js";
import { findTaskAndSpec, type TaskAndSpec } from "../../store/tasks/tasks.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import { reserveTask } from "../tasks/assignments.js";
import { isToGiveWay } from "../conflicts/timeout.js";
import type { EngineContext } from "../context.js";
import { type LockedTask, lockTask } from "../lifecycle/locked-task.js";
import { decideByTime } from "../escalations/escalations.js";
import { askForTaker } from "../escalations/takerless.js";
import { limitsOf, runningDueAt, startByOf } from "../lifecycle/leases.js";
import { isUnstarted, startChild, waitForChildRun } from "../child-runs/child-runs.js";
import type { Preparation } from "../runs/preparation.js";
import { expireLease } from "../presence/lease-expiry.js";
import { requireUnarchived } from "../projects/projects.js";
import { RunChange } from "../lifecycle/run-change.js";
import { earliest } from "../../base/time.js";
import { readyTasks } from "../lifecycle/ready.js";
import { cancelHeld } from "../tasks/cancellation.js";
import { keepPreempted, takeBackPreempted } from "../tasks/preemption.js";
import { expireUnheld, failAttempt } from "../tasks/tasks.js";
import { askPersonToReview } from "../reviews/lost-reviews.js";
import { fireTimer, giveUpWait } from "../signals/wait-steps.js";

/**
 * Handles what is due for a task: a retry, a timeout, a lapsed reservation or lease, a cancellation's grace, a child run, which
 * was prepared `before`.
 */
export function* handleDue(ctx: EngineContext, id: string, before?: Preparation): Tx<void> {
  // Starting a child run locks its project, which comes before the run of its task in lock order.
  const found = yield* findTaskAndSpec(id);
  const starts = found !== undefined && isUnstarted(found);
  if (starts) yield* requireUnarchived(found.task.project);
  const locked = yield* lockTask(id);
  const { task } = locked;
  if (isUnstarted(locked) && !starts) throw new RestartTransaction(`task ${id} has come to wait for a run meanwhile`);
  if (task.dueAt === null || task.dueAt > ctx.now) return;
  switch (task.status) {
    case "pending":
      return yield* pendingDue(ctx, locked);
    case "ready":
      return yield* readyDue(ctx, locked);
    case "running":
      return yield* runningDue(ctx, locked);
    case "waiting":
      return yield* waitingDue(ctx, locked, before);
    case "in_review":
      return yield* reviewDue(ctx, locked);
    default:
      return yield* setDue(task.id, null);
  }
}

function* pendingDue(ctx: EngineContext, locked: LockedTask): Tx<void> {
  const { task } = locked;
  if (isOver(ctx, task.closeBy)) {
    yield* expireUnheld(ctx, locked, timeout("schedule_to_close", locked));
  } else if (isOver(ctx, task.availableAt)) {
    yield* startNextTry(ctx, locked);
  } else if (isOver(ctx, task.reservedUntil)) {
    yield* reserveTask(ctx, locked, null);
  } else {
    yield* setDue(task.id, earliest(task.availableAt, task.closeBy, task.reservedUntil));
  }
}

function* startNextTry(ctx: EngineContext, locked: LockedTask): Tx<void> {
  if (locked.task.kind === "workflow") return yield* waitForChildRun(ctx, locked);
  const change = new RunChange(ctx, locked.run);
  yield* readyTasks(change, [locked.task]);
  yield* change.flush();
}

function* readyDue(ctx: EngineContext, locked: LockedTask): Tx<void> {
  const { task, spec } = locked;
  const startBy = startByOf(locked);
  if (isOver(ctx, task.closeBy)) yield* expireUnheld(ctx, locked, timeout("schedule_to_close", locked));
  else if (isOver(ctx, startBy)) yield* expireUnheld(ctx, locked, timeout("schedule_to_start", { task, spec }));
  else if (isOver(ctx, task.reservedUntil)) yield* reserveTask(ctx, locked, null);
  else if (spec.not_by !== undefined) yield* askForTaker(ctx, locked);
  else yield* setDue(task.id, earliest(task.closeBy, startBy, task.reservedUntil));
}

function* waitingDue(ctx: EngineContext, locked: LockedTask, before: Preparation | undefined): Tx<void> {
  const { task, spec } = locked;
  const until = spec.until ?? null;
  if (isUnstarted(locked) && !isOver(ctx, task.closeBy)) yield* startChild(ctx, locked, before);
  else if (until !== null && isOver(ctx, until)) yield* fireTimer(ctx, locked, until);
  else if (isOver(ctx, task.closeBy)) yield* outOfTime(ctx, locked);
  else yield* setDue(task.id, earliest(until, task.closeBy));
}

function* reviewDue(ctx: EngineContext, locked: LockedTask): Tx<void> {
  if (isOver(ctx, locked.task.closeBy)) yield* expireUnheld(ctx, locked, timeout("schedule_to_close", locked));
  else {
    const again = yield* askPersonToReview(ctx, locked);
    yield* setDue(locked.task.id, earliest(locked.task.closeBy, again));
  }
}

function* runningDue(ctx: EngineContext, locked: LockedTask): Tx<void> {
  const { task } = locked;
  const passed = passedTimeout(ctx, locked);
  if (task.orders === "cancel_requested") {
    yield* cancelHeld(ctx, locked, { note: "its holder did not stop within the grace" });
  } else if (task.orders === "preempted") {
    if (yield* isToGiveWay(ctx, task.id)) yield* takeBackPreempted(ctx, locked);
    else yield* keepPreempted(ctx, locked, nextDue(ctx, locked));
  } else if (passed) {
    const retryable = passed === "schedule_to_close" ? false : undefined;
    yield* failAttempt(ctx, locked, { error: timeout(passed, locked), outcome: "timed_out", fenced: true, retryable });
  } else if (task.session === null && isOver(ctx, task.leaseExpiresAt)) {
    yield* expireLease(ctx, locked);
  } else {
    yield* setDue(task.id, nextDue(ctx, locked));
  }
}

function nextDue(ctx: EngineContext, { task, spec }: LockedTask): number {
  const lease = { session: task.session, expiresAt: task.leaseExpiresAt ?? ctx.now };
  const heardAt = task.heartbeatAt ?? ctx.now;
  return runningDueAt(ctx, task, { timeouts: spec.timeouts, lease, heardAt });
}

type TimeoutKind = "schedule_to_start" | "start_to_close" | "schedule_to_close" | "heartbeat";

function passedTimeout(ctx: EngineContext, { task, spec }: TaskAndSpec): TimeoutKind | undefined {
  const { heartbeat } = spec.timeouts;
  const { startToClose, scheduleToClose } = limitsOf(ctx, task, spec.timeouts);
  if (isOver(ctx, scheduleToClose)) return "schedule_to_close";
  if (task.startedAt !== null && isOver(ctx, startToClose)) return "start_to_close";
  if (heartbeat !== undefined && task.heartbeatAt !== null && isOver(ctx, task.heartbeatAt + heartbeat))
    return "heartbeat";
  return undefined;
}

function isOver(ctx: EngineContext, instant: number | null): boolean {
  return instant !== null && instant <= ctx.now;
}

function timeout(kind: TimeoutKind, { spec }: Pick<TaskAndSpec, "task" | "spec">): AttemptError {
  return { type: `timeout:${kind}`, message: `the ${kind} timeout of ${spec.timeouts[kind] ?? 0} ms has passed` };
}

function* outOfTime(ctx: EngineContext, locked: LockedTask): Tx<void> {
  const error = timeout("schedule_to_close", locked);
  if (locked.task.kind === "human") yield* decideByTime(ctx, locked, error);
  else yield* giveUpWait(ctx, locked, error);
}
