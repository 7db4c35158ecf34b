import { BatonError } from "../../base/errors.js";
import type { FailureSeverity, FailureType } from "../../base/statuses.js";
import { appendEvents } from "../../store/events/events.js";
import { findSession, isExpired } from "../../store/presence/sessions.js";
import { findTask, runningTasksOf } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { actingAgent, requireAgent } from "../agents/agents.js";
import { countReported } from "../breakers/breakers.js";
import type { EngineContext } from "../context.js";
import { expireLeaseOfSession } from "../presence/lease-expiry.js";

/** A failure that a caller has seen. */
export interface FailureReport {
  readonly type: FailureType;
  readonly severity: FailureSeverity;
  /** The agent that failed. */
  readonly agent?: string | undefined;
  readonly server?: string | undefined;
  readonly details?: string | undefined;
}

export interface FailureAction {
  readonly action: "task_taken_back" | "left_with_holder" | "breaker_counted" | "breaker_opened" | "noted";
  readonly task?: string;
  readonly detail: string;
}

/** A report that is recorded, and the tasks of an agent whose process is gone: each is taken back in a transaction of its own. */
export interface RecordedFailure {
  readonly id: string;
  readonly actions: readonly FailureAction[];
  readonly lost: readonly { readonly task: string; readonly session: string }[];
}

const HELD_MAX = 100;

/**
 * Records a failure that was seen. A report is no proof: what an agent holds is taken back only where its process is gone, and its
 * breaker counts it from severity high. Errors: `invalid_input` without the agent or server that its type is about; `not_found`.
 */
export function* recordFailure(ctx: EngineContext, report: FailureReport): Tx<RecordedFailure> {
  const by = yield* actingAgent(ctx);
  const { type, severity, server, details } = report;
  requireSubject(report);
  const subject = report.agent === undefined ? undefined : yield* requireAgent(report.agent);
  const actions: FailureAction[] = [];
  const lost: RecordedFailure["lost"][number][] = [];
  for (const task of subject ? yield* runningTasksOf(subject.name, HELD_MAX) : []) {
    if (task.session !== null && (yield* isGone(ctx, task.session)))
      lost.push({ task: task.id, session: task.session });
    else actions.push({ action: "left_with_holder", task: task.id, detail: LIVES });
  }
  if (subject && (severity === "high" || severity === "critical")) {
    const counted = yield* countReported(ctx, { agent: subject.name, by: by.name });
    if (counted) actions.push(counted);
  }
  if (actions.length + lost.length === 0) actions.push({ action: "noted", detail: NOTED[type] });
  const id = ctx.newId("failure");
  const data = {
    failure: id,
    type,
    severity,
    ...(server !== undefined && { server }),
    ...(details !== undefined && { details }),
    by: by.name,
  };
  yield* appendEvents(ctx, [{ type: "failure.reported", agent: subject?.name ?? null, data }]);
  return { id, actions, lost };
}

/** Takes back a task of a process that is gone, without its grace. Null where the task has gone on meanwhile. */
export function* takeBack(ctx: EngineContext, lost: RecordedFailure["lost"][number]): Tx<FailureAction | null> {
  if (!(yield* expireLeaseOfSession(ctx, lost))) return null;
  const task = yield* findTask(lost.task);
  // A lease of its own lasts longer than its process: a command sent from a shell goes on with it.
  if (task?.status === "running") return { action: "left_with_holder", task: lost.task, detail: LIVES };
  return {
    action: "task_taken_back",
    task: lost.task,
    detail: "the process of its holder is gone: another agent may claim it",
  };
}

function* isGone(ctx: EngineContext, id: string): Tx<boolean> {
  const session = yield* findSession(id);
  return session === undefined || session.endedAt !== null || (yield* isExpired(id, ctx.now));
}

const LIVES = "its holder's process lives: it keeps the task until its time limit, its silence, or unregister_agent";

const NOTED: Readonly<Record<FailureType, string>> = {
  agent_unresponsive: "it holds no task; its silence and its lease end by themselves",
  agent_crashed: "it holds no task; the end of its process is found within seconds",
  task_timeout: "a task over its time limit is taken back by itself",
  resource_exhausted: "recorded in the history; nothing is taken from anyone for it",
  dependency_failed: "the retry policy of the dependency decides, then what depends on it is blocked",
  server_unavailable: "calls of its tools are tried again by the retry policy of their steps",
};

function requireSubject({ type, agent, server }: FailureReport): void {
  const wanted = type.startsWith("agent_") ? "agent" : type === "server_unavailable" ? "server" : undefined;
  if (wanted === undefined || (wanted === "agent" ? agent : server) !== undefined) return;
  throw new BatonError(
    "invalid_input",
    `A failure of type ${type} is about a certain ${wanted}: give ${wanted}. Nothing was recorded.`,
    {
      details: { path: wanted },
    },
  );
}
