import type { Agent } from "../store/agents.js";
import type { Attempt } from "../store/attempts.js";
import type { Counters } from "../store/counters.js";
import type { StoredEvent } from "../store/history.js";
import type { Project } from "../store/projects.js";
import type { Run } from "../store/runs.js";
import type { Reason, Task } from "../store/tasks.js";
import { iso, isoOrNull } from "./instants.js";
import { priorityName } from "./order.js";
import { countsOf, progressOf } from "./run-change.js";
import type { RunOverview } from "./runs.js";

/** The shapes in which runs, tasks, agents and projects stand in every answer and resource (spec 04, Shapes). */

export function taskLine(task: Task) {
  return {
    id: task.id,
    key: task.key,
    run: task.run,
    title: task.title,
    kind: task.kind,
    status: task.status,
    priority: priorityName(task.priority),
    ...(task.role === null ? {} : { role: task.role }),
    ...(task.agent === null ? {} : { agent: task.agent }),
    ...(task.percent === null || task.status !== "running" ? {} : { percent: task.percent }),
    ...(task.reservedFor === null ? {} : { reserved_for: task.reservedFor }),
    ...(task.availableAt === null || task.status !== "pending" ? {} : { retry_at: iso(task.availableAt) }),
  };
}
export type TaskLine = ReturnType<typeof taskLine>;

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
  };
}

/** A run in one line, for lists and for what a completion answers. */
export function runLine(run: Run, counters: Counters) {
  return { id: run.id, name: run.name, status: run.status, progress: progressOf(counters) };
}

export function blockedLine(task: Task): { task: TaskLine; reasons: readonly Reason[] } {
  return { task: taskLine(task), reasons: task.reasons };
}

/** A task that waits, with the run that it waits for, if it is one. */
function waitingLine(task: Task, child: string | undefined) {
  return { ...taskLine(task), ...(child === undefined ? {} : { child_run: child }) };
}

/** A run with what can be done in it now and what cannot. */
export function overviewView(overview: RunOverview) {
  const { run, counters, ready, running, waiting, blocked, dead, children, budget } = overview;
  return {
    run: runView(run, counters),
    ...(budget === undefined ? {} : { budget }),
    ready: ready.map(taskLine),
    running: running.map(taskLine),
    waiting: waiting.map((task) => waitingLine(task, children.get(task.id))),
    blocked: blocked.map(blockedLine),
    dead_letter: dead.map(blockedLine),
  };
}

export function attemptView(attempt: Attempt) {
  return {
    number: attempt.number,
    agent: attempt.agent,
    outcome: attempt.outcome,
    started_at: iso(attempt.startedAt),
    ended_at: iso(attempt.endedAt),
    duration_ms: attempt.endedAt - attempt.startedAt,
    ...(attempt.error === null ? {} : { error: attempt.error }),
    ...(attempt.usage === null ? {} : { usage: attempt.usage }),
    ...(attempt.note === null ? {} : { note: attempt.note }),
  };
}

/** A task with everything about it but its result. */
export function taskView(task: Task) {
  return {
    ...taskLine(task),
    project: task.project,
    attempt: task.attempt,
    failures: task.failures,
    token: task.token,
    trigger: task.trigger,
    dependencies: {
      total: task.depsTotal,
      succeeded: task.depsSucceeded,
      failed: task.depsFailed,
      skipped: task.depsSkipped,
    },
    dependents: task.dependents,
    estimate_ms: task.estimateMs,
    created_at: iso(task.createdAt),
    ready_at: isoOrNull(task.readyAt),
    started_at: isoOrNull(task.startedAt),
    ended_at: isoOrNull(task.endedAt),
    ...(task.orders === null ? {} : { orders: task.orders }),
    ...(task.reasons.length === 0 ? {} : { reasons: task.reasons }),
  };
}

export function eventView(event: StoredEvent) {
  return {
    seq: event.seq,
    at: iso(event.at),
    type: event.type,
    ...(event.project === null ? {} : { project: event.project }),
    ...(event.run === null ? {} : { run: event.run }),
    ...(event.task === null ? {} : { task: event.task }),
    ...(event.agent === null ? {} : { agent: event.agent }),
    data: event.data,
  };
}

export function agentView(agent: Agent) {
  return {
    id: agent.name,
    name: agent.name,
    status: agent.status,
    capabilities: agent.capabilities,
    roles: agent.roles,
    max_concurrent_tasks: agent.maxConcurrentTasks,
    registered_at: iso(agent.registeredAt),
    seen_at: iso(agent.seenAt),
    profile: { ...agent.profile },
  };
}

export function projectView(project: Project) {
  return {
    id: project.id,
    name: project.name,
    root: project.root,
    status: project.status,
    description: project.description,
    config: { ...project.config },
    created_at: iso(project.createdAt),
    updated_at: iso(project.updatedAt),
  };
}
