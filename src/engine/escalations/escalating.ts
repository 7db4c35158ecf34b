import { BatonError } from "../../base/errors.js";
import type { EscalationType } from "../../base/statuses.js";
import { countOpenEscalations, type Escalation, insertEscalation } from "../../store/escalations/escalations.js";
import { appendEvents } from "../../store/events/events.js";
import { findProjectByReference } from "../../store/projects/projects.js";
import type { Tx } from "../../store/tx.js";
import { actingAgent } from "../agents/agents.js";
import { ownParties } from "../agents/parties.js";
import type { EngineContext } from "../context.js";
import { endAttempt } from "../lifecycle/attempts.js";
import { type LockedTask, requireHeld } from "../lifecycle/locked-task.js";
import { RunChange } from "../lifecycle/run-change.js";
import { requireRun, requireTask } from "../lookup.js";
import { requireProject } from "../projects/creation.js";
import { type Priority, PRIORITIES } from "../scheduling/order.js";
import { announce, escalationEvent } from "./announcements.js";
import { budgetOfRun } from "./overrides.js";
import { firstTier, timeOf } from "./tiers.js";

/** Open escalations of one agent in a project. */
const OPEN_MAX = 50;

export interface EscalationRequest {
  readonly type: EscalationType;
  readonly title: string;
  readonly details?: string | undefined;
  readonly priority?: Priority | undefined;
  /** Whether the task is given back until the decision. */
  readonly blocking?: boolean | undefined;
  readonly task?: string | undefined;
  readonly token?: number | undefined;
  readonly run?: string | undefined;
  readonly project?: string | undefined;
  readonly agent?: string | undefined;
}

/**
 * Puts a question that other agents, then those with a leading role, then a person may decide, and that a cautious default decides at the
 * end. Blocking, the task that the caller holds is given back and waits for the decision. Errors: `stale_token`, `not_found`,
 * `limit_exceeded` with too many open ones, `invalid_input`.
 */
export function* escalate(ctx: EngineContext, request: EscalationRequest): Tx<Escalation> {
  const agent = yield* actingAgent(ctx, request.agent);
  const held = request.blocking === true ? yield* heldTask(ctx, request) : undefined;
  const about = held?.task ?? (yield* boundTo(ctx, request));
  yield* requireFew(about.project, agent.name);
  const priority = PRIORITIES[request.priority ?? "normal"];
  const budget = request.type === "budget_override" && about.run !== null ? yield* budgetOfRun(about.run) : null;
  const config = (yield* findProjectByReference(about.project))?.config;
  const tier = budget === null ? firstTier(ctx.settings, priority) : "human";
  const escalation: Escalation = {
    id: ctx.newId("escalation"),
    project: about.project,
    run: about.run,
    task: about.id,
    token: held?.task.token ?? null,
    type: request.type,
    title: request.title,
    details: request.details ?? null,
    priority,
    tier,
    status: "open",
    askedBy: agent.name,
    parties: [...ownParties(config ?? {}, agent.name, ctx.caller)],
    createdAt: ctx.now,
    dueAt: ctx.now + timeOf(ctx.settings, tier),
    decidedAt: null,
    decidedBy: null,
    conditions: [],
    note: null,
    budget,
  };
  yield* insertEscalation(escalation);
  if (held) yield* awaitDecision(ctx, held, escalation);
  yield* appendEvents(ctx, [escalationEvent("opened", escalation, agent.name)]);
  yield* announce(ctx, escalation);
  return escalation;
}

interface About {
  readonly project: string;
  readonly run: string | null;
  /** Id of the task; null without one. */
  readonly id: string | null;
}

function* boundTo(ctx: EngineContext, { task, run, project }: EscalationRequest): Tx<About> {
  if (task !== undefined) return (yield* requireTask(task)).task;
  if (run !== undefined) return { project: (yield* requireRun(run)).project, run, id: null };
  return { project: (yield* requireProject(ctx, project)).id, run: null, id: null };
}

function* heldTask(ctx: EngineContext, { task, token, agent }: EscalationRequest): Tx<LockedTask> {
  if (task === undefined || token === undefined) {
    const path = task === undefined ? "task" : "token";
    const message = `${path}: a blocking escalation gives a task back until the decision: pass task and token of the task that you hold, or leave blocking out. Nothing was changed.`;
    throw new BatonError("invalid_input", message, { details: { path } });
  }
  const held = yield* requireHeld(ctx, { task, token, agent });
  const why = reasonAgainst(held);
  if (why === undefined) return held;
  const { id, key, status } = held.task;
  const message = `Task ${key} (${id}) cannot wait for a decision: ${why}. Nothing was changed.`;
  throw new BatonError("invalid_transition", message, {
    details: { task: id, status },
    next: [{ tool: "get_task", arguments: { task: id } }],
  });
}

function reasonAgainst({ task, run }: LockedTask): string | undefined {
  if (task.orders === "cancel_requested") return "it is being cancelled: release it";
  if (run.stage === "stopping" || run.endedAt !== null) return "its run is coming to its end";
  return task.kind === "agent" || task.kind === "plan" ? undefined : `it is a ${task.kind} step`;
}

function* requireFew(project: string, agent: string): Tx<void> {
  const open = yield* countOpenEscalations(project, agent);
  if (open < OPEN_MAX) return;
  const message = `${agent} has ${open} open escalations here, and at most ${OPEN_MAX} fit. Nothing was changed: wait for decisions first.`;
  throw new BatonError("limit_exceeded", message, {
    details: { open, max: OPEN_MAX },
    next: [{ tool: "wait_for", arguments: { kinds: ["decision"] } }],
  });
}

/** running → waiting: the attempt ends as released, and no holder keeps its lease or its files meanwhile. */
function* awaitDecision(ctx: EngineContext, held: LockedTask, { id, type, title }: Escalation): Tx<void> {
  const change = new RunChange(ctx, held.run, held.counters);
  const detail = `waits for the decision of ${id} (${type}): ${title}`;
  const reasons = [{ kind: "decision", detail, blocking: [] }];
  const task = yield* endAttempt(change, held, { event: "await_decision", outcome: "released", reasons });
  change.recordTask(held.task, "task.awaits_decision", {
    token: held.task.token,
    attempt: task.attempt,
    escalation: id,
  });
  yield* change.flush();
}
