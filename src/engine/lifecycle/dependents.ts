import type { TaskStatus } from "../../base/statuses.js";
import { failSkippedDependency } from "../../store/tasks/reopenings.js";
import { hasDependentWith } from "../../store/tasks/lists.js";
import { dependenciesOf, endTasks, settleDependency, type Settlement } from "../../store/tasks/transitions.js";
import { findTaskAndSpec, type Reason, type Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { activateTasks } from "./activation.js";
import { TASK_SETTLED, type Settled } from "./machines.js";
import type { RunChange } from "./run-change.js";
import { failureReason } from "./server-attempts.js";
import { judge } from "../scheduling/triggers.js";

/**
 * Decides the dependents of settled tasks: ready, blocked or skipped, and so on down the graph where a dependent settles in turn. Costs
 * O(edges to dependents and to tasks that become blocked). Returns the tasks that became ready.
 */
export function* settleDependents(change: RunChange, settled: readonly Settled[]): Tx<Task[]> {
  return settled.length === 0 ? [] : yield* follow(change, yield* judgeDependents(settled));
}

/**
 * Decides pending tasks by their present counts: the last dependency of a new task, or of one counted afresh, may have settled long
 * ago. Returns the tasks that became ready.
 */
export function* settleWaiting(change: RunChange, waiting: readonly Task[]): Tx<Task[]> {
  const judged: Judged = { ready: [], block: [], skip: [] };
  for (const task of waiting) judgeOne(judged, task);
  return yield* follow(change, judged);
}

function* follow(change: RunChange, first: Judged): Tx<Task[]> {
  const ready: Task[] = [];
  for (let judged = first; ;) {
    // The end of the change blocks every task without a holder.
    if (change.stopping) return [];
    const activated = yield* activateTasks(change, judged.ready);
    ready.push(...activated.ready);
    const wave = [
      ...activated.settled,
      ...(yield* endUnheld(change, "blocked", yield* withoutGathering(judged.block))),
      ...(yield* endUnheld(change, "skipped", judged.skip)),
    ];
    if (wave.length === 0) return change.stopping ? [] : ready;
    judged = yield* judgeDependents(wave);
  }
}

interface Judged {
  ready: Task[];
  block: Settled[];
  skip: Settled[];
}

function* judgeDependents(wave: readonly Settled[]): Tx<Judged> {
  // A dependent of several settled tasks is judged once, by its final counts.
  const touched = new Map<string, { task: Task; cause: Settled }>();
  for (const cause of wave) {
    if (cause.task.dependents === 0) continue;
    const { id } = cause.task;
    const told = cause.wasSkipped === true ? failSkippedDependency(id) : settleDependency(id, cause.as);
    for (const task of yield* told) {
      const earlier = touched.get(task.id);
      // A failure explains a blocked task better than any other task that settled in the wave.
      touched.set(task.id, { task, cause: earlier?.cause.as === "failed" ? earlier.cause : cause });
    }
  }
  const judged: Judged = { ready: [], block: [], skip: [] };
  for (const { task, cause } of touched.values()) judgeOne(judged, task, cause.reason);
  return judged;
}

function judgeOne(judged: Judged, task: Task, reason?: Reason): void {
  const waits = waitsForDependencies(task);
  const skipped = task.status === "skipped";
  if (!waits && !skipped && !isUntried(task)) return;
  const verdict = judge(task.trigger, dependencyCounts(task));
  if (verdict === "block") judged.block.push({ task, as: "failed", reason, ...(skipped && { wasSkipped: true }) });
  // Only a failure overrules: a task that was skipped, or made ready by a skip, is blocked by one that comes later.
  else if (!waits) return;
  else if (verdict === "ready") judged.ready.push(task);
  else if (verdict === "skip") judged.skip.push({ task, as: "skipped" });
}

/** Whether a task is ready and has never been claimed. */
export function isUntried(task: Task): boolean {
  return task.status === "ready" && task.attempt === 0;
}

/** A for_each step that a join with all_done waits for is blocked only when all its elements have ended: the join reads their results. */
function* withoutGathering(blocking: readonly Settled[]): Tx<Settled[]> {
  const ending: Settled[] = [];
  for (const settled of blocking) if (!(yield* isStillGathering(settled.task))) ending.push(settled);
  return ending;
}

function* isStillGathering(task: Task): Tx<boolean> {
  const { total, succeeded, failed, skipped } = dependencyCounts(task);
  if (!task.readsSpecOnStart || task.dependents === 0 || succeeded + failed + skipped === total) return false;
  if ((yield* findTaskAndSpec(task.id))?.spec.dynamic?.elements === undefined) return false;
  return yield* hasDependentWith(task.id, "all_done");
}

/** Whether a task waits for dependencies: those of a pending task that waits for its retry have settled already. */
export function waitsForDependencies(task: Task): boolean {
  return task.status === "pending" && task.availableAt === null;
}

export function dependencyCounts(task: Task) {
  return {
    total: task.depsTotal,
    succeeded: task.depsSucceeded,
    failed: task.depsFailed,
    skipped: task.depsSkipped,
  };
}

const BLOCKING_SHOWN_MAX = 10;

/** The reason of a task whose dependency failed before this wave: names the tasks that failed, not those they block. */
function* failureOf(task: Task): Tx<Reason> {
  const causes = (yield* dependenciesOf(task.id)).flatMap(causesOf);
  const detail = causes[0]?.detail ?? `${task.depsFailed} of its dependencies failed`;
  const failed = new Set(causes.flatMap(({ blocking }) => blocking));
  return { kind: "dependency_failed", detail, blocking: [...failed].slice(0, BLOCKING_SHOWN_MAX) };
}

function causesOf(dependency: Task): readonly Reason[] {
  if (dependency.status === "blocked") return dependency.reasons;
  if (dependency.status !== "dead_letter") return [];
  const [error] = dependency.reasons;
  return [failureReason(dependency, { type: error?.kind ?? "failed", message: error?.detail ?? "" })];
}

/** Ends tasks without a holder, grouped by state and reason. Returns them as settled. */
function* endUnheld(change: RunChange, to: "blocked" | "skipped", ending: readonly Settled[]): Tx<Settled[]> {
  const groups = new Map<string, Settled[]>();
  for (const one of ending) {
    const blind = to === "blocked" && one.reason === undefined;
    const settled = blind ? { ...one, reason: yield* failureOf(one.task) } : one;
    const id = JSON.stringify([settled.task.status, settled.reason ?? null]);
    const group = groups.get(id);
    if (group) group.push(settled);
    else groups.set(id, [settled]);
  }
  for (const group of groups.values()) {
    const [first] = group;
    const reasons = first?.reason ? [first.reason] : [];
    yield* endTasks(
      group.map(({ task }) => task.id),
      { from: first?.task.status ?? "pending", to, at: change.ctx.now, reasons },
    );
    for (const { task } of group) {
      change.move(task, to);
      change.recordTask(task, `task.${to}`, { reasons });
    }
  }
  return [...groups.values()].flat();
}

/** Counts settled tasks by settlement. */
export function settledAmong(tasks: Iterable<Pick<Task, "status">>): Record<Settlement, number> {
  const settled = { succeeded: 0, failed: 0, skipped: 0 };
  for (const { status } of tasks) if (TASK_SETTLED.has(status)) settled[settlementOf(status)] += 1;
  return settled;
}

/** The settlement of a settled task, as its dependents count it. */
export function settlementOf(status: TaskStatus): Settlement {
  if (status === "succeeded") return "succeeded";
  return status === "dead_letter" || status === "blocked" ? "failed" : "skipped";
}
