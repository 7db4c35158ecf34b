import { findAgent } from "../../store/agents/agents.js";
import { stoppedBehind } from "../../store/tasks/lists.js";
import { setRunDueAt } from "../../store/child-runs/child-runs.js";
import { findDemand } from "../../store/scheduling/lanes.js";
import type { Run } from "../../store/runs/runs.js";
import * as store from "../../store/tasks/reopenings.js";
import type { Task } from "../../store/tasks/tasks.js";
import { closeDeadLettersOf } from "../../store/dead-letters/dead-letters.js";
import { isReview } from "../../store/reviews/review-key.js";
import { overReviews } from "../../store/reviews/reviews.js";
import { endTasks } from "../../store/tasks/transitions.js";
import type { Tx } from "../../store/tx.js";
import { type EngineContext, SERVER } from "../context.js";
import { runMachine } from "./machines.js";
import { canMove } from "../machine.js";
import { reservedDemand } from "../scheduling/demands.js";
import { judge } from "../scheduling/triggers.js";
import { RunChange } from "./run-change.js";
import { moveRun, notInState } from "./run-state.js";
import { dependencyCounts, settleWaiting } from "./dependents.js";

/** Starts a change that reopens tasks of a run, and the run itself where it has ended. Errors: `invalid_transition`. */
export function* reopenRun(ctx: EngineContext, run: Run): Tx<RunChange> {
  const ended = run.endedAt !== null;
  // A run that is being cancelled gives out no work: a task reopened in it could never end.
  if (!ended && run.stage === "stopping") {
    const message = `Run ${run.id} is stopping after a failure: tasks that are held may still be completed. Once it has ended, it can be reopened.`;
    throw notInState(run, message);
  }
  if (!ended && run.status !== "cancelling") return new RunChange(ctx, run);
  const undoing = run.stage === "undoing";
  const moved = yield* moveRun(run, {
    event: undoing ? "compensate_again" : "reopen",
    stage: undoing ? "undoing" : null,
  });
  const change = new RunChange(ctx, moved);
  change.reopen();
  // Its parent's step may have started another run since: then no task waits for this one, and the tick ends it.
  if (run.parentTask !== null) {
    yield* setRunDueAt(run.id, ctx.now);
    ctx.onDue?.();
  }
  return change;
}

/** Whether `reopenRun` succeeds. */
export function canReopenRun(run: Run): boolean {
  if (run.endedAt === null) return run.stage !== "stopping" && run.status !== "cancelling";
  return canMove(runMachine, run, run.stage === "undoing" ? "compensate_again" : "reopen");
}

/**
 * Reopens tasks as if never tried, and counts them so. Returns them as they are then: a review whose task waits for no verdict any more is
 * cancelled, since none could decide it.
 */
export function* reopen(change: RunChange, which: store.Reopening): Tx<Task[]> {
  const reopened = yield* store.reopenTasks(which);
  for (const task of reopened) change.move({ ...task, status: which.from }, "pending");
  const over = yield* overReviews(reopened.filter(isReview).map(({ id }) => id));
  if (over.length === 0) return reopened;
  yield* cancelReviews(change, over);
  const ids = new Set(over.map(({ id }) => id));
  return reopened.map((task): Task => (ids.has(task.id) ? { ...task, status: "cancelled" } : task));
}

const OVER = "the work that it reviews waits for no verdict";

/** Cancels pending reviews whose tasks were decided, or are done again, and closes their dead letters. */
function* cancelReviews(change: RunChange, reviews: readonly Task[]): Tx<void> {
  const { ctx, run } = change;
  const ids = reviews.map(({ id }) => id);
  const reasons = [{ kind: "cancelled", detail: OVER, blocking: [] }];
  yield* endTasks(ids, { from: "pending", to: "cancelled", at: ctx.now, reasons });
  yield* closeDeadLettersOf(run.id, ids, { to: "discarded", at: ctx.now, by: SERVER, note: OVER });
  for (const task of reviews) {
    change.move(task, "cancelled");
    change.recordTask(task, "task.cancelled", { reason: OVER });
  }
}

/**
 * Decides a run's pending tasks afresh, after some were reopened or completed. What their failure alone had made ready, and no agent has
 * claimed, waits again. Returns the tasks that became ready.
 */
export function* judgeAfresh(change: RunChange, opened: readonly Pick<Task, "id" | "demand">[]): Tx<Task[]> {
  yield* unreserve(change.run.id, new Set(opened.map(({ demand }) => demand)));
  yield* takeBackUntried(
    change,
    opened.map(({ id }) => id),
  );
  return yield* settleWaiting(change, yield* store.recountDependencies(change.run.id));
}

function* takeBackUntried(change: RunChange, opened: readonly string[]): Tx<void> {
  const untried = yield* store.recountUntried(opened);
  const back = untried.filter((task) => judge(task.trigger, dependencyCounts(task)) !== "ready");
  yield* store.takeBack(back.map(({ id }) => id));
  for (const task of back) {
    change.move(task, "pending");
    change.record({ type: "task.taken_back", task: task.id, data: { key: task.key } });
  }
}

/** Removes reservations that ended while their tasks were failed, and those for agents that have gone since. */
function* unreserve(run: string, demands: ReadonlySet<string>): Tx<void> {
  for (const id of demands) {
    const demand = yield* findDemand(id);
    if (!demand || demand.reservedFor === null) continue;
    const gone = (yield* findAgent(demand.reservedFor))?.status !== "active";
    yield* store.forgetReservations(run, { demand: id, unreserved: reservedDemand(demand, null).id, gone });
  }
}

/** The tasks blocked behind any of these, at any distance: also behind one that was cancelled while it was blocked. */
export function* allBlockedBehind(tasks: readonly string[]): Tx<string[]> {
  const found = new Map<string, boolean>();
  for (let wave = tasks; wave.length > 0;) {
    const next = (yield* stoppedBehind(wave)).filter(({ id }) => !found.has(id));
    for (const { id, blocked } of next) found.set(id, blocked);
    wave = next.map(({ id }) => id);
  }
  return [...found].flatMap(([id, blocked]) => (blocked ? [id] : []));
}
