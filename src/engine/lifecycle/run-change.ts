import type { EventType } from "../../base/notifications/event-types.js";
import type { TaskStatus } from "../../base/statuses.js";
import { wakeChildRuns } from "../../store/child-runs/child-runs.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import type { Counters } from "../../store/runs/counters.js";
import type { Run } from "../../store/runs/runs.js";
import { sumOpenTasks } from "../../store/tasks/lists.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { BatonError } from "../../base/errors.js";
import type { EngineContext } from "../context.js";
import type { EndedAttempt, RunOutcome, FailedTask, TaskMove, RunUsage, WorkVerdict } from "../effect.js";
import { EvaluationTime } from "../expressions/time-limit.js";
import { CountChanges, countsOf, type MovedMany, OPEN_STATUSES } from "./run-counts.js";
import { LaneChanges } from "./run-lanes.js";
import { endIfDone, isOpen } from "./run-state.js";
import { stopRun, stopsOnFailure } from "./stopping.js";

/** A run as it is once its change has been written. */
export interface ChangedRun {
  readonly run: Run;
  readonly counters: Counters;
}

/** A task after a change, what became ready thereby, and its run. */
export interface TaskChanged extends ChangedRun {
  readonly task: Task;
  readonly ready: readonly Task[];
}

/**
 * Everything that one transaction changes of a run beside its task rows: counters, lanes, history, the run's own end, and the effects
 * of all this. Changes are noted as they happen and written once, by `flush`. The transaction has locked the run's row.
 */
export class RunChange {
  readonly evaluationTime = new EvaluationTime();
  /** The checkpoint that was taken in this change; restored: the one that it goes on from. */
  checkpointed?: "gate" | "phase" | "restored";
  readonly #counts = new CountChanges();
  readonly #lanes = new LaneChanges();
  readonly #events: NewEvent[] = [];
  readonly #attempts: EndedAttempt[] = [];
  readonly #usages: RunUsage[] = [];
  readonly #verdicts: WorkVerdict[] = [];
  readonly #moves: TaskMove[] = [];
  readonly #unreserved: Task[] = [];
  readonly #failures: FailedTask[] = [];
  #reopened = false;

  /** `counters`, if they were read since the run was locked, spare reading them when they are written. */
  constructor(
    readonly ctx: EngineContext,
    readonly run: Run,
    readonly counters?: Counters,
  ) {
    ctx.noted?.runs.push(run);
  }

  /** Counts a new task. */
  add(task: Task): void {
    this.#counts.add(task);
    if (task.status === "ready") this.#lanes.enter(task);
  }

  /** Counts a deleted task, whose work had not begun. */
  remove(task: Task): void {
    this.#counts.remove(task);
    if (task.status === "ready") this.#lanes.leave(task);
  }

  /** Counts the new estimate of an open task. */
  reestimate(before: Task, after: Task): void {
    this.#counts.reestimate(before, after);
  }

  /** Notes that a task, given as it was, is in another state; a failure makes it a dead letter. */
  move(task: Task, to: TaskStatus, failure?: Omit<FailedTask, "task">): void {
    this.#counts.move(task, to);
    if (task.status === "ready") this.#lanes.leave(task);
    this.#moves.push({ task, to });
    if (failure) this.#failures.push({ task: task.id, ...failure });
  }

  /** Notes that a ready task is running, and whether alone. */
  claim(task: Task, alone: boolean): void {
    this.#counts.claim(task, alone);
    this.#lanes.leave(task);
    this.#moves.push({ task, to: "running" });
  }

  /** Notes that many tasks went from one state to another; the caller looks after their lanes. */
  moveMany(moved: MovedMany): void {
    this.#counts.moveMany(moved);
  }

  /** Tells the effects of tasks that had succeeded before the run was restored. */
  recordSucceeded(tasks: readonly Task[]): void {
    this.#moves.push(...tasks.map((task) => ({ task, to: "succeeded" as const })));
  }

  recordAttempt(attempt: EndedAttempt): void {
    this.#attempts.push(attempt);
  }

  recordUsage(usage: RunUsage): void {
    this.#usages.push(usage);
  }

  recordVerdict(verdict: WorkVerdict): void {
    this.#verdicts.push(verdict);
  }

  /** Notes that an agent lost the reservation of a task, given as it was, before its time was over. */
  unreserve(task: Task): void {
    this.#unreserved.push(task);
  }

  /** Puts a ready task, as it is now, into its lane. */
  enter(task: Task): void {
    this.#lanes.enter(task);
  }

  /** Moves a ready task that asks for another agent than before to its new lane. */
  relane(before: Task, after: Task): void {
    this.#lanes.leave(before);
    this.#lanes.enter(after);
  }

  record({ type, task = null, agent = null, data = {} }: Omit<NewEvent, "project" | "run">): void {
    this.#events.push({ type, project: this.run.project, run: this.run.id, task, agent, data });
  }

  /** Records an event of a task, with its key and its holder. */
  recordTask(task: Pick<Task, "id" | "key" | "agent">, type: EventType, data: NewEvent["data"] = {}): void {
    this.record({ type, task: task.id, agent: task.agent, data: { key: task.key, ...data } });
  }

  /** Adds complete events, of this or another run. */
  append(events: readonly NewEvent[]): void {
    this.#events.push(...events);
  }

  /** Notes that the run had ended and is open again: its lanes are made afresh. */
  reopen(): void {
    this.#reopened = true;
  }

  /** How many more unfinished tasks the run has than before. */
  get opened(): number {
    return this.#counts.more(...OPEN_STATUSES, "blocked");
  }

  /** Whether no further task of the run is activated, because one has failed. */
  get stopping(): boolean {
    return this.run.stage === "stopping" || (this.#failures.length > 0 && stopsOnFailure(this.run));
  }

  /** Ids of the tasks that this change has blocked one by one; those that a stop of the run blocks are not among them. */
  get blocked(): string[] {
    return this.#moves.flatMap(({ task, to }) => (to === "blocked" ? [task.id] : []));
  }

  /** The dead letters that the change has not recorded yet. */
  get failures(): readonly FailedTask[] {
    return this.#failures;
  }

  /** The cost that no budget has been charged with yet, in millionths of a US dollar. */
  get cost(): number {
    return this.#usages.reduce((sum, { cost }) => sum + cost, 0);
  }

  /** Writes everything and applies the effects. A run without open tasks ends here. */
  *flush(): Tx<ChangedRun> {
    const { ctx } = this;
    const run = yield* this.#stopIfFailed();
    const counters = yield* this.#counts.write({ run: run.id, now: ctx.now, cost: this.cost }, this.counters);
    yield* this.#writeLanes(run, counters);
    yield* this.#wakeChildren();
    const ended = yield* endIfDone(ctx, run, counters);
    if (ended.endedAt !== run.endedAt) {
      const { name, status, reason } = ended;
      this.record({ type: "run.finished", data: { name, status, reason, counts: countsOf(counters) } });
    }
    const runEnded = ended.endedAt !== null && (run.endedAt === null || this.#reopened);
    const changed = yield* this.#applyEffects({ run: ended, counters, runEnded });
    yield* this.writeHistory();
    return { run: changed, counters };
  }

  *#stopIfFailed(): Tx<Run> {
    const { ctx, run } = this;
    if (this.#failures.length === 0 || !stopsOnFailure(run)) return run;
    const failed = this.#failures.map(({ task }) => task);
    const { run: stopped, blocked } = yield* stopRun(ctx, run, failed);
    for (const moved of blocked) this.moveMany(moved);
    this.#lanes.clear();
    const count = blocked.reduce((sum, moved) => sum + moved.count, 0);
    this.record({ type: "run.stopping", data: { on_failure: run.onFailure, failed, blocked: count } });
    return stopped;
  }

  *#writeLanes(run: Run, counters: Counters): Tx<void> {
    const open = isOpen(run, counters);
    // A claim found the run open: what was claimed before it and ran alone had ended.
    const running = counters.running - this.#counts.more("running");
    const wasOpen = isOpen(run, { running, alone: counters.alone && !this.#counts.claims });
    yield* this.#lanes.write(run, { open, toggled: this.#reopened || wasOpen !== open });
  }

  /** Makes the tick look at the child runs of tasks that no longer wait for them. */
  *#wakeChildren(): Tx<void> {
    const parents = this.#moves.flatMap(({ task: { id, kind, status } }) =>
      status === "waiting" && kind === "workflow" ? [id] : [],
    );
    if (parents.length === 0) return;
    yield* wakeChildRuns(this.run.id, this.ctx.now, parents);
    this.ctx.onDue?.();
  }

  *#applyEffects({ run, counters, runEnded }: Pick<RunOutcome, "run" | "counters" | "runEnded">): Tx<Run> {
    const [attempts, usages, failures] = [this.#attempts, this.#usages, this.#failures];
    const [moves, unreserved, verdicts] = [this.#moves, this.#unreserved, this.#verdicts];
    let changed = run;
    for (const effect of this.ctx.effects) {
      const { events, run: after } = yield* effect(this.ctx, {
        run: changed,
        counters,
        runEnded,
        attempts,
        usages,
        verdicts,
        moves,
        unreserved,
        failures,
      });
      if (events) this.append(events);
      changed = after ?? changed;
    }
    this.ctx.noted?.outcomes.push({ run: changed, counters, runEnded, attempts, usages, at: this.ctx.now });
    return changed;
  }

  /** Writes the history alone, for a change without effect on counters and lanes. */
  *writeHistory(): Tx<void> {
    if (this.#events.length > 0) yield* appendEvents(this.ctx, this.#events);
    this.#events.length = 0;
  }
}

/** Errors: `limit_exceeded` where the run of the change, with what it has added and ended, cannot take so many more open tasks. */
export function* requireCapacity({ ctx, run, opened }: RunChange, more: number): Tx<void> {
  const open = (yield* sumOpenTasks(run.id)) + opened;
  const max = ctx.settings.open_tasks_max;
  if (open + more <= max) return;
  throw new BatonError(
    "limit_exceeded",
    `Run ${run.id} has ${open} open tasks; at most ${max} fit, and these are ${more} more.`,
    {
      details: { run: run.id, open, more, max },
      next: [{ tool: "list_tasks", arguments: { run: run.id } }],
    },
  );
}
