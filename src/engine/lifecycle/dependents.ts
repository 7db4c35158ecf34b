import type { TaskStatus } from "../../base/statuses.js";
import { endTasks, settleDependency, type Settlement } from "../../store/tasks/transitions.js";
import type { Reason, Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { activateTasks } from "./activation.js";
import { TASK_SETTLED, type Settled } from "./machines.js";
import type { RunChange } from "./run-change.js";
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
 * ago. `reason` is given to tasks that become blocked. Returns the tasks that became ready.
 */
export function* settleWaiting(change: RunChange, waiting: readonly Task[], reason?: Reason): Tx<Task[]> {
  const judged: Judged = { ready: [], block: [], skip: [] };
  for (const task of waiting) judgeOne(judged, task, reason);
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
      ...(yield* endUnheld(change, "blocked", judged.block)),
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
    for (const task of yield* settleDependency(cause.task.id, cause.as)) {
      const earlier = touched.get(task.id);
      // A failure explains a blocked task better than any other task that settled in the wave.
      touched.set(task.id, { task, cause: earlier?.cause.as === "failed" ? earlier.cause : cause });
    }
  }
  const judged: Judged = { ready: [], block: [], skip: [] };
  for (const { task, cause } of touched.values()) judgeOne(judged, task, cause.reason);
  return judged;
}

function judgeOne(judged: Judged, task: Task, reason: Reason | undefined): void {
  if (!waitsForDependencies(task)) return;
  const verdict = judge(task.trigger, dependencyCounts(task));
  if (verdict === "ready") judged.ready.push(task);
  else if (verdict === "block") judged.block.push({ task, as: "failed", reason: reason ?? failureOf(task) });
  else if (verdict === "skip") judged.skip.push({ task, as: "skipped" });
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

// The failure lies further back than this wave.
function failureOf(task: Task): Reason {
  return { kind: "dependency_failed", detail: `${task.depsFailed} of its dependencies failed`, blocking: [] };
}

/** Ends tasks without a holder, grouped by reason. Returns them as settled. */
function* endUnheld(change: RunChange, to: "blocked" | "skipped", ending: readonly Settled[]): Tx<Settled[]> {
  const groups = new Map<string, Settled[]>();
  for (const settled of ending) {
    const id = JSON.stringify(settled.reason ?? null);
    const group = groups.get(id);
    if (group) group.push(settled);
    else groups.set(id, [settled]);
  }
  for (const group of groups.values()) {
    const reasons = group[0]?.reason ? [group[0].reason] : [];
    yield* endTasks(
      group.map(({ task }) => task.id),
      { from: "pending", to, at: change.ctx.now, reasons },
    );
    for (const { task } of group) {
      change.move(task, to);
      change.recordTask(task, `task.${to}`, { reasons });
    }
  }
  return [...ending];
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
