import { defined } from "../../base/json.js";
import { forgetElicitation, putOff } from "../../store/escalations/elicitations.js";
import type { AttemptError } from "../../store/tasks/attempts.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { completeByServer, failByServer } from "../lifecycle/server-attempts.js";
import { type EngineContext, SERVER } from "../context.js";
import { BatonError } from "../../base/errors.js";
import { type LockedTask, lockTask } from "../lifecycle/locked-task.js";
import { channelOf } from "../person.js";
import { checkOutput } from "../definitions/output-check.js";
import { DEFAULT_APPROVAL } from "../definitions/step-checks.js";
import { RunChange } from "../lifecycle/run-change.js";
import { listed, unfitness } from "../steps/output.js";
import { requireConditions } from "../supervision/conditions.js";
import { decideAsPerson } from "./review-decisions.js";
import { decideTaker, isTakerless } from "./takerless.js";
import { endWait, type WaitEnded } from "../signals/wait-steps.js";

export const DECISIONS = ["approved", "approved_with_conditions", "rejected", "deferred"] as const;

export interface EscalationDecision {
  readonly id: string;
  readonly decision: (typeof DECISIONS)[number];
  readonly answers?: Readonly<Record<string, unknown>> | undefined;
  readonly conditions?: readonly string[] | undefined;
  readonly note?: string | undefined;
  /** Token of the question as it was shown: one that is asked again has another. */
  readonly token?: number | undefined;
  readonly by: string;
}

/**
 * Decides the question of a human step: approved, it has succeeded with the decision as its result; rejected, it has
 * failed; deferred, it goes on waiting. Errors: `not_found`, `invalid_transition` for a step that is not waiting or is
 * asked again, `invalid_input` for answers that its form or its output schema refuses.
 */
export function* decideEscalation(ctx: EngineContext, decision: EscalationDecision): Tx<WaitEnded> {
  const locked = yield* lockTask(decision.id);
  const { task, spec } = locked;
  if (task.status === "ready" && (yield* isTakerless(task))) return yield* decideTaker(ctx, locked, decision);
  if (task.kind !== "human" || task.status !== "waiting") throw notAsked(task);
  if (decision.token !== undefined && decision.token !== task.token) throw askedAnew(task);
  if (decision.decision === "deferred") return yield* defer(ctx, locked, decision);
  yield* forgetElicitation(task.id);
  const decided = decidedEvent(ctx, task, decision);
  if (spec.review_of !== undefined) {
    requireConditions(decision);
    const { decision: word, conditions, note, by } = decision;
    return yield* decideAsPerson(ctx, locked, { decision: word, conditions, note, by, decided });
  }
  if (decision.decision === "rejected") {
    const message = decision.note ?? `${decision.by} rejected it`;
    return yield* endWait(ctx, locked, (change) => {
      change.record(decided);
      return failByServer(change, task, { error: { type: "rejected", message }, by: decision.by });
    });
  }
  requireConditions(decision);
  requireAnswers(spec.form, decision);
  const result = resultOf(decision);
  requireFit(locked, result);
  return yield* endWait(ctx, locked, (change) => {
    change.record(decided);
    return completeByServer(change, task, { result, by: decision.by });
  });
}

/** Takes the default decision of a question whose time is over: it counts as rejected, unless its step says that it is approved. */
export function* decideByTime(ctx: EngineContext, locked: LockedTask, { type, message }: AttemptError): Tx<WaitEnded> {
  const { task, spec } = locked;
  const isApproved = spec.default_decision === "approve";
  yield* forgetElicitation(task.id);
  return yield* endWait(ctx, locked, (change) => {
    const decision = isApproved ? "approved" : "rejected";
    const data = { key: task.key, decision, channel: "default" };
    change.record({ type: "task.decided", task: task.id, agent: SERVER, data });
    if (isApproved) return completeByServer(change, task, { result: DEFAULT_APPROVAL });
    const error = { type, message: `${message}, without a decision: that counts as rejected` };
    return failByServer(change, task, { error });
  });
}

function decidedEvent(ctx: EngineContext, { id, key }: Task, { decision, by }: EscalationDecision) {
  return { type: "task.decided" as const, task: id, agent: by, data: { key, decision, ...channelOf(ctx) } };
}

/** Returns the result of a human step for expressions: the decision, without fields that were not given. */
function resultOf({ decision, answers, conditions, note, by }: EscalationDecision): Record<string, unknown> {
  return defined({ decision, answers, conditions, note, by });
}

function* defer(ctx: EngineContext, { task, run }: LockedTask, { by, note }: EscalationDecision): Tx<WaitEnded> {
  // A question that is put off at one client is not asked at the next.
  yield* putOff({ id: task.id, token: task.token, until: ctx.now + ctx.settings.elicitation_again_ms });
  const change = new RunChange(ctx, run);
  change.record({ type: "task.deferred", task: task.id, agent: by, data: { key: task.key, note: note ?? null } });
  return { task, ready: [], ...(yield* change.flush()) };
}

function requireAnswers(form: Readonly<Record<string, unknown>> | undefined, { answers }: EscalationDecision): void {
  if (form === undefined) return;
  const problems = checkOutput(form, answers ?? {}, "answers");
  if (problems.length === 0) return;
  throw new BatonError("invalid_input", `The answers do not fit the form: ${listed(problems)}.`, {
    details: { problems, form },
  });
}

function requireFit({ task, spec }: LockedTask, result: Readonly<Record<string, unknown>>): void {
  const problems = unfitness(spec, result);
  if (problems.length === 0) return;
  const message = `The decision is not what the output schema of task ${task.key} asks: ${listed(problems)}. The question is still open.`;
  throw new BatonError("invalid_input", message, { details: { task: task.id, problems, output: spec.output } });
}

function askedAnew(task: Task): BatonError {
  const message = `The question of task ${task.key} (${task.id}) has been asked anew since it was shown: look at it again.`;
  return new BatonError("invalid_transition", message, {
    details: { task: task.id, token: task.token },
    next: [{ tool: "query_operation", arguments: { name: "list_escalations", arguments: { run: task.run } } }],
  });
}

function notAsked(task: Task): BatonError {
  const why = task.kind === "human" ? `it is ${task.status}` : `it is a ${task.kind} step`;
  return new BatonError("invalid_transition", `No decision is pending for task ${task.key} (${task.id}): ${why}.`, {
    details: { task: task.id, kind: task.kind, status: task.status },
    next: [{ tool: "get_task", arguments: { task: task.id } }],
  });
}
