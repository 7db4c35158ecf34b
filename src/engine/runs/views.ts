import { rounded } from "../../base/numbers/rounding.js";
import { READY_SHOWN_MAX } from "../../base/limits.js";
import type { TaskStatus } from "../../base/statuses.js";
import { iso } from "../../base/time.js";
import type { Counters } from "../../store/runs/counters.js";
import type { Run } from "../../store/runs/runs.js";
import type { Phase } from "../../store/tasks/phases.js";
import type { RunRetries } from "../../store/tasks/outlook.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { TaskChanged } from "../lifecycle/run-change.js";
import { progressOf, countsOf } from "../lifecycle/run-counts.js";
import { priorityName } from "../scheduling/order.js";
import { pendingLine, retryingLine } from "../tasks/outlook.js";
import { blockedLine, heldLine, taskLine } from "../tasks/views.js";
import type { RunOverview } from "./runs.js";

export function runView(run: Run, counters: Counters) {
  return {
    id: run.id,
    name: run.name,
    kind: run.kind,
    project: run.project,
    status: run.status,
    revision: run.revision,
    progress: progressOf(counters),
    counts: countsOf(counters),
    priority: priorityName(run.priority),
    max_parallel: run.maxParallel,
    ...(run.mode === "standard" ? {} : { mode: run.mode }),
    ...(run.workflow === null ? {} : { workflow: run.workflow, workflow_version: run.workflowVersion }),
    ...(run.deadline === null ? {} : { deadline: iso(run.deadline) }),
    ...(run.reason === null ? {} : { reason: run.reason }),
    ...(run.parentTask === null ? {} : { parent: { run: run.parentRun, task: run.parentTask } }),
    ...(run.onFailure === "continue" ? {} : { on_failure: run.onFailure }),
    ...(run.stage === null || run.endedAt !== null ? {} : { stage: run.stage }),
    inputs: run.inputs,
    created_by: run.createdBy,
    created_at: iso(run.createdAt),
    ...(run.endedAt === null ? {} : { ended_at: iso(run.endedAt) }),
    ...outcomeOf(run, counters),
  };
}

/**
 * The share of an ended run's tasks that succeeded, those left out not counted, and how long it took. Tasks of a run that was cancelled
 * itself were not left out: they were not done.
 */
export function outcomeOf({ status, createdAt, endedAt }: Run, { total, skipped, cancelled, succeeded }: Counters) {
  if (endedAt === null) return {};
  const counted = total - skipped - (status === "cancelled" ? 0 : cancelled);
  const rate = counted === 0 ? null : rounded(succeeded / counted);
  return { success_rate: rate, duration_ms: endedAt - createdAt };
}

/** How many of a run's failed tasks are tried again, and when the first of them. */
export function retriesView(retries: RunRetries | undefined) {
  return retries === undefined ? {} : { retrying: retries.count, next_retry_at: iso(retries.nextAt) };
}

/** A run in one line, for lists and for what a completion answers. */
export function runLine(run: Run, counters: Counters) {
  return { id: run.id, name: run.name, status: run.status, progress: progressOf(counters) };
}

/** A change of a task with its consequences: the tasks that it made ready, and how many of the run are ready now. */
export function changeView({ task, ready, run, counters }: TaskChanged) {
  const newlyReady = ready.slice(0, READY_SHOWN_MAX).map(taskLine);
  return {
    task: taskLine(task),
    newly_ready: newlyReady,
    ready: newlyReady,
    ...moreView(run.id, { ready: ready.length - newlyReady.length }),
    run: { ...runLine(run, counters), ready: counters.ready },
  };
}

/** A task that waits, with the run that it waits for, if it is one. */
export function waitingLine(task: Task, child: string | undefined) {
  return { ...taskLine(task), ...(child === undefined ? {} : { child_run: child }) };
}

/** How many tasks of each state a list leaves out, with the call that lists them all. */
export function moreView(run: string, left: Partial<Record<TaskStatus, number>>) {
  const more = Object.entries(left).flatMap(([status, count]) =>
    count > 0
      ? [{ status: status as TaskStatus, count, next: { tool: "list_tasks", arguments: { run, status } } }]
      : [],
  );
  return more.length === 0 ? {} : { more };
}

function phaseView({ phase, tasks, begun, ended }: Phase) {
  const status = ended === tasks ? "ended" : begun === 0 ? "not_begun" : "under_way";
  return { phase, status, tasks, ended } as const;
}

/** A run with what can be done in it now and what cannot. */
export function overviewView(overview: RunOverview) {
  const { run, counters, ready, running, silent, blocked, dead, budget, phases } = overview;
  const { retrying, waiting, pending, children } = overview;
  return {
    run: runView(run, counters),
    ...(budget === undefined ? {} : { budget }),
    ...(phases.length === 0 ? {} : { phases: phases.map(phaseView) }),
    ready: ready.map(taskLine),
    running: running.map((task) => heldLine(task, silent)),
    ...(retrying.length === 0 ? {} : { retrying: retrying.map(retryingLine) }),
    waiting: waiting.map((task) => waitingLine(task, children.get(task.id))),
    ...(pending.length === 0 ? {} : { pending: pending.map(pendingLine) }),
    blocked: blocked.map(blockedLine),
    dead_letter: dead.map(blockedLine),
    ...moreView(run.id, {
      ready: counters.ready - ready.length,
      running: counters.running - running.length,
      pending: counters.pending - retrying.length - pending.length,
      waiting: counters.waiting + counters.in_review - waiting.length,
      blocked: counters.blocked - blocked.length,
      dead_letter: counters.dead_letter - dead.length,
    }),
  };
}
