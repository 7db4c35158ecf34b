import { endTasks, settleDependency, type Settlement } from "../../store/tasks/transitions.js";
import type { Reason, Task, TaskStatus } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { beginTasks } from "./activation.js";
import { TASK_SETTLED, type Settled } from "./machines.js";
import type { RunChange } from "./run-change.js";
import { judge } from "../scheduling/triggers.js";

/**
 * Lets the dependents of tasks that have settled go on: ready, blocked or skipped, and so on down the graph where one of them
 * settles thereby. Costs O(edges to dependents and to what becomes blocked). Gives the tasks that became ready.
 */
export function* settleDependents(change: RunChange, settled: readonly Settled[]): Tx<Task[]> {
  return settled.length === 0 ? [] : yield* follow(change, yield* judgeDependents(settled));
}

/**
 * Judges tasks that wait, as their counts stand: those that have just been made, or counted afresh, may have had their last
 * dependency long ago. The reason is that of what becomes blocked. Gives the tasks that became ready.
 */
export function* settleWaiting(change: RunChange, waiting: readonly Task[], reason?: Reason): Tx<Task[]> {
  const judged: Judged = { ready: [], block: [], skip: [] };
  for (const task of waiting) judgeOne(judged, task, reason);
  return yield* follow(change, judged);
}

function* follow(change: RunChange, first: Judged): Tx<Task[]> {
  const ready: Task[] = [];
  for (let judged = first; ;) {
    // All that has not begun is blocked at the end of the change.
    if (change.stopping) return [];
    const begun = yield* beginTasks(change, judged.ready);
    ready.push(...begun.ready);
    const wave = [
      ...begun.settled,
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
  // A dependent of several of them is judged once, as the last count leaves it.
  const touched = new Map<string, { task: Task; cause: Settled }>();
  for (const cause of wave) {
    if (cause.task.dependents === 0) continue;
    for (const task of yield* settleDependency(cause.task.id, cause.as)) {
      const earlier = touched.get(task.id);
      // A failure explains a blocked task better than whatever else settled with it.
      touched.set(task.id, { task, cause: earlier?.cause.as === "failed" ? earlier.cause : cause });
    }
  }
  const judged: Judged = { ready: [], block: [], skip: [] };
  for (const { task, cause } of touched.values()) judgeOne(judged, task, cause.reason);
  return judged;
}

function judgeOne(judged: Judged, task: Task, reason: Reason | undefined): void {
  if (!waitsForDependencies(task)) return;
  const verdict = judge(task.trigger, countsOf(task));
  if (verdict === "ready") judged.ready.push(task);
  else if (verdict === "block") judged.block.push({ task, as: "failed", reason: reason ?? failureOf(task) });
  else if (verdict === "skip") judged.skip.push({ task, as: "skipped" });
}

/** A pending task that waits for its retry has had its dependencies already. */
export function waitsForDependencies(task: Task): boolean {
  return task.status === "pending" && task.availableAt === null;
}

export function countsOf(task: Task) {
  return {
    total: task.depsTotal,
    succeeded: task.depsSucceeded,
    failed: task.depsFailed,
    skipped: task.depsSkipped,
  };
}

// Where the failure lies further back than this wave.
function failureOf(task: Task): Reason {
  return { kind: "dependency_failed", detail: `${task.depsFailed} of its dependencies failed`, blocking: [] };
}

/** Ends tasks that nobody holds, each group with its own reason, and hands them on as settled. */
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
      change.record({ type: `task.${to}`, task: task.id, data: { key: task.key, reasons } });
    }
  }
  return [...ending];
}

/** How many of these have ended in each way, as their dependents count them. */
export function settledAmong(tasks: Iterable<Pick<Task, "status">>): Record<Settlement, number> {
  const settled = { succeeded: 0, failed: 0, skipped: 0 };
  for (const { status } of tasks) if (TASK_SETTLED.has(status)) settled[settlementOf(status)] += 1;
  return settled;
}

/** How the dependents of a task in this state count it. */
export function settlementOf(status: TaskStatus): Settlement {
  if (status === "succeeded") return "succeeded";
  return status === "dead_letter" || status === "blocked" ? "failed" : "skipped";
}
