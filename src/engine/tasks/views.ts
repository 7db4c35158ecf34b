import type { Attempt } from "../../store/tasks/attempts.js";
import type { LineTask, Reason, Task } from "../../store/tasks/tasks.js";
import { iso, isoOrNull } from "../../base/time.js";
import { silenceView } from "../agents/presence.js";
import type { Caller } from "../context.js";
import type { LeaseTerms } from "../lifecycle/leases.js";
import { priorityName } from "../scheduling/order.js";

/** The shapes in which runs, tasks, agents and projects stand in every answer and resource (spec 04, Shapes). */
export function taskLine(task: LineTask) {
  return {
    id: task.id,
    key: task.key,
    run: task.run,
    title: task.title,
    ...(task.author === null ? {} : { from: task.author }),
    kind: task.kind,
    status: task.status,
    priority: priorityName(task.priority),
    ...(task.role === null ? {} : { role: task.role }),
    ...(task.agent === null ? {} : { agent: task.agent }),
    ...(task.percent === null || task.status !== "running" ? {} : { percent: task.percent }),
    ...(task.reservedFor === null ? {} : { reserved_for: task.reservedFor }),
    ...(task.reservedUntil === null ? {} : { reserved_until: iso(task.reservedUntil) }),
    ...(task.failures === 0 ? {} : { failures: task.failures }),
    ...(task.availableAt === null || task.status !== "pending" ? {} : { retry_at: iso(task.availableAt) }),
    // A timer's instant, or the end of the time for an event.
    ...(task.dueAt === null || task.status !== "waiting" || task.kind !== "wait" ? {} : { until: iso(task.dueAt) }),
  };
}

/** Ready tasks in one line each; those that no agent can claim now with the reasons. */
export function readyLines(tasks: readonly Task[], obstacles: ReadonlyMap<string, readonly Reason[]>) {
  return tasks.map((task) => {
    const reasons = obstacles.get(task.id)?.slice(0, REASONS_SHOWN_MAX);
    return { ...taskLine(task), ...(reasons === undefined ? {} : { claimable: false as const, reasons }) };
  });
}
const REASONS_SHOWN_MAX = 3;

/** A lease as its holder is told it. */
export function leaseView(token: number, terms: LeaseTerms) {
  return { token, ...termsView(terms) };
}

/** A lease as others see it. */
function termsView({ expiresAt, silentAt, renews }: LeaseTerms) {
  return { expires_at: iso(expiresAt), ...(silentAt === null ? {} : { silent_at: iso(silentAt) }), renews };
}

/** A lease as a caller is shown it: with the token for the task's holder alone, since it is the right to end the task. */
export function leaseShown(caller: Caller, { agent, session, token }: Task, terms: LeaseTerms) {
  const isHolder = agent === caller.agent && session === (caller.session?.id ?? null);
  return isHolder ? leaseView(token, terms) : termsView(terms);
}

export type TaskLine = ReturnType<typeof taskLine>;

/** A task in one line, with the silence of its holder. */
export function heldLine(task: Task, silent: ReadonlyMap<string, number>) {
  return { ...taskLine(task), ...silenceView(silent.get(task.agent ?? "")) };
}

export function blockedLine(task: Task): { task: TaskLine; reasons: readonly Reason[] } {
  return { task: taskLine(task), reasons: task.reasons };
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
    ...(task.phase === null ? {} : { phase: task.phase }),
    attempt: task.attempt,
    failures: task.failures,
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
    ...(task.losses === 0 ? {} : { losses: task.losses }),
    ...(task.orders === null ? {} : { orders: task.orders }),
    ...(task.reasons.length === 0 ? {} : { reasons: task.reasons }),
  };
}
