import type { AttemptError } from "../../store/tasks/attempts.js";
import { lookWithin, setRunDue } from "../../store/child-runs/child-runs.js";
import { notUndone } from "../../store/child-runs/compensations.js";
import { addToCounters, type Counters } from "../../store/runs/counters.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import * as lanes from "../../store/scheduling/lanes.js";
import { type Run, setRunStatus } from "../../store/runs/runs.js";
import type { Task, TaskStatus } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { bury, type Burial } from "./dead-letter.js";
import type { EngineContext } from "../context.js";
import { EvaluationTime } from "../expressions/time-limit.js";
import { type RunEvent, runMachine, transition } from "./machines.js";
import { reachMilestones } from "./milestone-progress.js";
import { closeSpent, pay } from "./cost.js";
import { stopRun, stopsOnFailure } from "./stopping.js";

/** What a run looks like once its change has been written. */
export interface ChangedRun {
  readonly run: Run;
  readonly counters: Counters;
}

// Work that needs no more doing. What failed is not among them: it may be tried again.
export const DONE: ReadonlySet<TaskStatus> = new Set(["succeeded", "skipped", "cancelled"]);
/** Work that is still to be done or under way. */
export const OPEN: readonly TaskStatus[] = ["pending", "ready", "running", "waiting", "in_review"];

/**
 * All that one transaction changes of a run beside its task rows: counters, lanes, history, and the run's own end. Changes are
 * noted as they happen and written once, by `flush`. Whoever makes one holds the run's row.
 */
export class RunChange {
  readonly #by: Partial<Record<TaskStatus, number>> = {};
  readonly #entering: Task[] = [];
  readonly #leaving: lanes.LaneOfTask[] = [];
  readonly #events: NewEvent[] = [];
  readonly #buried: Burial[] = [];
  /** Tasks that no longer wait for their child runs. */
  readonly #parted: string[] = [];
  readonly #succeeded: string[] = [];
  #workMs = 0;
  #doneMs = 0;
  #reopened = false;
  #cost = 0;
  /** Whether the run was copied as it stood before what begins in this change. */
  copied = false;
  readonly evaluationTime = new EvaluationTime();

  constructor(
    readonly ctx: EngineContext,
    readonly run: Run,
  ) {}

  /** A task that has just been made counts. */
  add(task: Task): void {
    this.#count(task.status, 1);
    this.#workMs += task.estimateMs;
    if (task.status === "ready") this.#entering.push(task);
  }

  /** How many more tasks of the run have not ended, than before. */
  get opened(): number {
    return [...OPEN, "blocked" as const].reduce((sum, status) => sum + (this.#by[status] ?? 0), 0);
  }

  /** A task that nobody has begun is gone. */
  remove(task: Task): void {
    this.#count(task.status, -1);
    this.#workMs -= task.estimateMs;
    if (task.status === "ready") this.#leaving.push(task);
  }

  /** An open task is expected to take another time than before. */
  reestimate(before: Task, after: Task): void {
    this.#workMs += after.estimateMs - before.estimateMs;
  }

  /** The task, as it was, is now in another state. */
  move(task: Task, to: TaskStatus): void {
    this.#count(task.status, -1);
    this.#count(to, 1);
    if (DONE.has(task.status)) this.#doneMs -= task.estimateMs;
    if (DONE.has(to)) this.#doneMs += task.estimateMs;
    if (task.status === "ready") this.#leaving.push(task);
    if (task.status === "waiting" && task.kind === "workflow") this.#parted.push(task.id);
    if (to === "succeeded") this.#succeeded.push(task.id);
  }

  /** These have succeeded, though nothing of it has been noted here: milestones hear of it. */
  succeeded(tasks: readonly Pick<Task, "id">[]): void {
    for (const { id } of tasks) this.#succeeded.push(id);
  }

  /** Many tasks at once went from one state to another; their lanes are looked after elsewhere. */
  moveMany(from: TaskStatus, to: TaskStatus, figures: { count: number; workMs: number }): void {
    this.#count(from, -figures.count);
    this.#count(to, figures.count);
    if (DONE.has(to)) this.#doneMs += figures.workMs;
  }

  /** Whether nothing of the run begins any more, because a task of it has failed. */
  get stopping(): boolean {
    return this.run.stage === "stopping" || (this.#buried.length > 0 && stopsOnFailure(this.run));
  }

  /** The task could not be done: somebody is to deal with it. */
  bury(burial: Burial): void {
    this.#buried.push(burial);
  }

  /** What has been buried and is not written yet. */
  get unwrittenDeadLetters(): readonly { id: string; task: string; error: AttemptError }[] {
    return this.#buried.map((one) => ({ id: "", ...one }));
  }

  /** The task, as it is now, is ready and takes its place in its lane. */
  enter(task: Task): void {
    this.#entering.push(task);
  }

  /** A ready task asks for another agent than before: it changes its lane and nothing else. */
  relane(before: Task, after: Task): void {
    this.#leaving.push(before);
    this.#entering.push(after);
  }

  /** What an attempt has cost, in millionths of a US dollar. */
  spend(cost: number): void {
    this.#cost += cost;
  }

  /** What has been spent and is not written yet. */
  get unpaid(): number {
    return this.#cost;
  }

  record(event: Omit<NewEvent, "project" | "run">): void {
    this.#events.push({ ...event, project: this.run.project, run: this.run.id });
  }

  /** Events that others have worded, of this or another run. */
  append(events: readonly NewEvent[]): void {
    this.#events.push(...events);
  }

  /** The run had ended and goes on: its lanes are made afresh. */
  reopen(): void {
    this.#reopened = true;
  }

  /** Writes everything. When nothing of the run is left to do, the run ends here. */
  *flush(): Tx<ChangedRun> {
    const { ctx } = this;
    const run = yield* this.#stopIfFailed();
    const counters = yield* addToCounters({
      run: run.id,
      now: ctx.now,
      by: this.#by,
      workMs: this.#workMs,
      doneMs: this.#doneMs,
      cost: this.#cost,
    });
    yield* this.#writeLanes(run, counters);
    yield* this.#partChildren();
    yield* bury(ctx, run, this.#buried);
    const ended = yield* this.#endIfDone(run, counters);
    const runEnded = ended.endedAt !== null && (run.endedAt === null || this.#reopened);
    this.append(yield* reachMilestones(ctx, { run: ended, counters, succeeded: this.#succeeded, runEnded }));
    const changed = yield* this.#pay(ended);
    yield* this.writeHistory();
    return { run: changed, counters };
  }

  *#stopIfFailed(): Tx<Run> {
    const { ctx, run } = this;
    if (this.#buried.length === 0 || !stopsOnFailure(run)) return run;
    const failed = this.#buried.map(({ task }) => task);
    const { run: stopped, blocked } = yield* stopRun(ctx, run, failed);
    for (const { from, figures } of blocked) this.moveMany(from, "blocked", figures);
    this.#entering.length = 0;
    this.#leaving.length = 0;
    yield* setRunStatus({ ...stopped, run: run.id, from: run.status, to: stopped.status, endedAt: null });
    yield* lookWithin(run.id, ctx.now);
    ctx.noteDue?.();
    const count = blocked.reduce((sum, { figures }) => sum + figures.count, 0);
    this.record({ type: "run.stopping", data: { on_failure: run.onFailure, failed, blocked: count } });
    return stopped;
  }

  /** What a task no longer waits for goes its own way no longer. */
  *#partChildren(): Tx<void> {
    if (this.#parted.length === 0) return;
    yield* lookWithin(this.run.id, this.ctx.now, this.#parted);
    this.ctx.noteDue?.();
  }

  /** Last of all: the rows of budgets are locked after all others. */
  *#pay(run: Run): Tx<Run> {
    const { crossed, blocked } = yield* pay(run, this.#cost);
    for (const event of crossed) {
      this.record(event);
      // It stands in the history of the run whose budget it is, too.
      const { run: whose } = event.data.budget;
      if (whose !== run.id) this.append([{ ...event, project: run.project, run: whose }]);
    }
    if (!blocked || run.endedAt !== null) return run;
    yield* closeSpent(run.id);
    return { ...run, overBudget: true };
  }

  /** Writes the history alone, for what changes neither counts nor lanes. */
  *writeHistory(): Tx<void> {
    if (this.#events.length > 0) yield* appendEvents(this.ctx, this.#events);
    this.#events.length = 0;
  }

  #count(status: TaskStatus, by: number): void {
    this.#by[status] = (this.#by[status] ?? 0) + by;
  }

  *#writeLanes(run: Run, counters: Counters): Tx<void> {
    const before = counters.running - (this.#by.running ?? 0);
    const open = isOpen(run, counters.running);
    if (this.#reopened || isOpen(run, before) !== open) yield* lanes.setLanesOpen(run.id, open);
    yield* enterLanes(run, this.#entering, open);
    const seen = new Set<string>();
    for (const lane of this.#leaving) {
      const id = `${lane.demand}/${lane.scope}`;
      if (seen.has(id)) continue;
      seen.add(id);
      yield* lanes.refreshLane(lane);
    }
  }

  *#endIfDone(run: Run, counters: Counters): Tx<Run> {
    const { ctx } = this;
    const left = OPEN.reduce((sum, status) => sum + counters[status], 0);
    if (left > 0 || run.kind === "standing" || run.endedAt !== null) return run;
    if (run.status === "compensating" && run.stage === "stopping") {
      // What is to be undone is found by the tick.
      yield* setRunDue(run.id, ctx.now);
      ctx.noteDue?.();
      return run;
    }
    const event = yield* endOf(run, counters);
    const status = transition(runMachine, run, event);
    const reason = event === "fail" ? failureOf(counters) : run.reason;
    // Its parent hears of it by the tick: a run is never locked after one of its own child runs.
    const dueAt = run.parentTask === null ? null : ctx.now;
    const from = run.status;
    const end = { run: run.id, from, to: status, endedAt: ctx.now, reason, stage: run.stage, dueAt };
    if (!(yield* setRunStatus(end))) throw new Error(`run ${run.id} changed its state under its own lock`);
    if (dueAt !== null) ctx.noteDue?.();
    yield* lanes.deleteLanes(run.id);
    this.record({ type: "run.finished", data: { status, reason, counts: countsOf(counters) } });
    return { ...run, status, reason, endedAt: ctx.now };
  }
}

/** Whether a run gives out work while so many of its tasks are running. */
export function isOpen(run: Pick<Run, "status" | "stage" | "maxParallel" | "overBudget">, running: number): boolean {
  return GIVES_OUT.has(run.status) && run.stage !== "stopping" && !run.overBudget && running < run.maxParallel;
}

const GIVES_OUT: ReadonlySet<Run["status"]> = new Set(["running", "planning", "compensating"]);

function* endOf(run: Run, counters: Counters): Tx<RunEvent> {
  if (run.status === "cancelling") return "finish_cancel";
  if (run.stage === "undoing") return (yield* notUndone(run.id)).length > 0 ? "fail" : "finish_compensation";
  if (counters.dead_letter + counters.blocked > 0) return "fail";
  return counters.succeeded === 0 && counters.cancelled > 0 ? "finish_cancel" : "succeed";
}

function failureOf(counters: Counters): string {
  return `${counters.dead_letter} of ${counters.total} tasks could not be done; ${counters.blocked} are blocked behind them`;
}

/** Counts by state, without the rest of the row. */
export function countsOf(counters: Counters): Record<TaskStatus | "total", number> {
  const { workMs: _, doneMs: __, updatedAt: ___, milestones: ____, cost: _____, ...counts } = counters;
  return counts;
}

/** Percent done, one decimal, weighted by what each task is expected to take. */
export function progressOf(counters: Counters): number {
  if (counters.total === 0) return 0;
  return Math.round((counters.doneMs / Math.max(1, counters.workMs)) * 1000) / 10;
}

/** Gives newly ready tasks their place: one row per lane, the best of its newcomers. */
function* enterLanes(run: Run, tasks: readonly Task[], open: boolean): Tx<void> {
  const plain = new Map<string, Task>();
  const scoped = new Map<string, Task>();
  const scopedDemands = new Set<string>();
  for (const task of tasks) {
    if (task.scope === "") keepFirst(plain, task.demand, task);
    else {
      keepFirst(scoped, `${task.demand}/${task.scope}`, task);
      scopedDemands.add(task.demand);
    }
  }
  const lane = { run: run.id, project: run.project, open };
  yield* lanes.enterLanes([...plain.values()].map((task) => ({ ...lane, demand: task.demand, ...keyOf(task) })));
  if (scoped.size === 0) return;
  yield* lanes.enterScopeLanes(
    [...scoped.values()].map((task) => ({ ...lane, demand: task.demand, scope: task.scope, ...keyOf(task) })),
  );
  yield* lanes.ensureLanes([...scopedDemands].map((demand) => ({ ...lane, demand })));
  for (const demand of scopedDemands) yield* lanes.refreshFromScopes({ run: run.id, demand });
}

function keepFirst(best: Map<string, Task>, lane: string, task: Task): void {
  const rival = best.get(lane);
  if (rival === undefined || comesBefore(task, rival)) best.set(lane, task);
}

/** The stored order of ready tasks, compared in memory. */
export function comesBefore(a: Task, b: Task): boolean {
  if (a.bucket !== b.bucket) return a.bucket < b.bucket;
  if (a.latestStart !== b.latestStart) return a.latestStart < b.latestStart;
  if (a.rankOrder !== b.rankOrder) return a.rankOrder < b.rankOrder;
  return a.id < b.id;
}

function keyOf(task: Task): lanes.OrderKey {
  return { bucket: task.bucket, latestStart: task.latestStart, rankOrder: task.rankOrder, head: task.id };
}
