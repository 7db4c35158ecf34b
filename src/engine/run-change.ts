import { addToCounters, type Counters } from "../store/counters.js";
import { appendEvents, type NewEvent } from "../store/events.js";
import * as lanes from "../store/lanes.js";
import { type Run, setRunStatus } from "../store/runs.js";
import type { Task, TaskStatus } from "../store/tasks.js";
import type { Tx } from "../store/tx.js";
import { bury, type Burial } from "./burials.js";
import type { EngineContext } from "./context.js";
import { type RunEvent, runMachine, transition } from "./machine.js";

/** What a run looks like once its change has been written. */
export interface ChangedRun {
  readonly run: Run;
  readonly counters: Counters;
}

// Work that needs no more doing. What failed is not among them: it may be tried again.
export const DONE: ReadonlySet<TaskStatus> = new Set(["succeeded", "skipped", "cancelled"]);
const OPEN: readonly TaskStatus[] = ["pending", "ready", "running", "waiting", "in_review"];

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
  #workMs = 0;
  #doneMs = 0;
  #reopened = false;

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

  /** The task, as it was, is now in another state. */
  move(task: Task, to: TaskStatus): void {
    this.#count(task.status, -1);
    this.#count(to, 1);
    if (DONE.has(task.status)) this.#doneMs -= task.estimateMs;
    if (DONE.has(to)) this.#doneMs += task.estimateMs;
    if (task.status === "ready") this.#leaving.push(task);
  }

  /** Many tasks at once went from one state to another; their lanes are looked after elsewhere. */
  moveMany(from: TaskStatus, to: TaskStatus, figures: { count: number; workMs: number }): void {
    this.#count(from, -figures.count);
    this.#count(to, figures.count);
    if (DONE.has(to)) this.#doneMs += figures.workMs;
  }

  /** The task could not be done: somebody is to deal with it. */
  bury(burial: Burial): void {
    this.#buried.push(burial);
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
    const { ctx, run } = this;
    const counters = yield* addToCounters({
      run: run.id,
      now: ctx.now,
      by: this.#by,
      workMs: this.#workMs,
      doneMs: this.#doneMs,
    });
    yield* this.#writeLanes(counters);
    yield* bury(ctx, run, this.#buried);
    const changed = yield* this.#endIfDone(counters);
    yield* this.writeHistory();
    return { run: changed, counters };
  }

  /** Writes the history alone, for what changes neither counts nor lanes. */
  *writeHistory(): Tx<void> {
    if (this.#events.length > 0) yield* appendEvents(this.ctx, this.#events);
    this.#events.length = 0;
  }

  #count(status: TaskStatus, by: number): void {
    this.#by[status] = (this.#by[status] ?? 0) + by;
  }

  *#writeLanes(counters: Counters): Tx<void> {
    const { run } = this;
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

  *#endIfDone(counters: Counters): Tx<Run> {
    const { ctx, run } = this;
    const left = OPEN.reduce((sum, status) => sum + counters[status], 0);
    if (left > 0 || run.kind === "standing" || run.endedAt !== null) return run;
    const event = endOf(run, counters);
    const status = transition(runMachine, run, event);
    const reason = event === "fail" ? failureOf(counters) : run.reason;
    const changed = yield* setRunStatus({ run: run.id, from: run.status, to: status, endedAt: ctx.now, reason });
    if (!changed) throw new Error(`run ${run.id} changed its state under its own lock`);
    yield* lanes.deleteLanes(run.id);
    this.record({ type: "run.finished", data: { status, reason, counts: countsOf(counters) } });
    return { ...run, status, reason, endedAt: ctx.now };
  }
}

/** Whether a run gives out work while so many of its tasks are running. */
export function isOpen(run: Pick<Run, "status" | "maxParallel">, running: number): boolean {
  return (run.status === "running" || run.status === "planning") && running < run.maxParallel;
}

function endOf(run: Run, counters: Counters): RunEvent {
  if (run.status === "cancelling") return "finish_cancel";
  if (counters.dead_letter + counters.blocked > 0) return "fail";
  return counters.succeeded === 0 && counters.cancelled > 0 ? "finish_cancel" : "succeed";
}

function failureOf(counters: Counters): string {
  return `${counters.dead_letter} of ${counters.total} tasks could not be done; ${counters.blocked} are blocked behind them`;
}

/** Counts by state, without the rest of the row. */
export function countsOf(counters: Counters): Record<TaskStatus | "total", number> {
  const { workMs: _, doneMs: __, updatedAt: ___, ...counts } = counters;
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
