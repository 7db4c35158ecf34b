import { BatonError, callOperation } from "../../base/errors.js";
import { openReviewTasks } from "../../store/reviews/reviews.js";
import { findDemand } from "../../store/scheduling/lanes.js";
import { findTaskAndSpec, type Task, type TaskAndSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { actingAgent } from "../agents/agents.js";
import { partiesOf, withTasksWorkedOn } from "../agents/parties.js";
import type { EngineContext } from "../context.js";
import { noSuchTask, requireTask } from "../lookup.js";
import { isExcluded } from "../scheduling/demands.js";
import type { GivenVerdict } from "../reviews/verdict.js";
import { completeTask, type TaskCompleted } from "./tasks.js";

export interface Submission extends GivenVerdict {
  /** The reviewer's task, or the reviewed one. */
  readonly task: string;
  /** Default: that of the caller's own attempt. */
  readonly token?: number | undefined;
  readonly agent?: string | undefined;
}

/**
 * Submits the verdict of a reviewer, which completes the reviewer's task. Errors: `not_found`; `invalid_transition` where no review is
 * open, or its reviewer has not claimed it; `not_permitted` for the author; `stale_token`; `invalid_input`.
 */
export function* submitReview(ctx: EngineContext, submission: Submission): Tx<TaskCompleted> {
  const { task: reference, token: given, agent, ...verdict } = submission;
  const review = yield* reviewMeant(ctx, { task: reference, token: given, agent });
  const token = given ?? (yield* ownToken(ctx, review, agent));
  return yield* completeTask(ctx, { task: review.task.id, token, agent, result: verdict });
}

/** A review as a call names it: by the reviewer's task, or the reviewed one. */
export type ReviewReference = Pick<Submission, "task" | "token" | "agent">;

/**
 * The reviewer's task, or the one that is open of a reviewed task: of several the one that the caller holds. Errors: `not_found`,
 * `invalid_transition`; `conflict` with the list where the caller holds none of several.
 */
export function* reviewMeant(ctx: EngineContext, { task, token, agent }: ReviewReference): Tx<TaskAndSpec> {
  const found = yield* requireTask(task);
  if (found.spec.review_of !== undefined) return found;
  const open = yield* openReviewTasks(found.task.id);
  const handle = agent ?? ctx.caller.agent;
  const own = open.filter(
    (one) => one.agent !== null && (token === undefined ? one.agent === handle : one.token === token),
  );
  const [meant, ...others] = own.length > 0 ? own : open;
  if (!meant) throw notInReview(found.task);
  if (others.length > 0) throw severalReviews(found.task, open);
  const review = yield* findTaskAndSpec(meant.id);
  if (!review) throw noSuchTask(meant.id);
  return review;
}

function severalReviews({ id, key }: Task, open: readonly Task[]): BatonError {
  const listed = open.map((one) => `${one.key} (${one.id}), ${stateOf(one)}`).join("; ");
  const message = `Task ${key} (${id}) has ${open.length} open reviews: ${listed}. Nothing was decided: name the one that you hold.`;
  return new BatonError("conflict", message, {
    details: {
      task: id,
      reviews: open.map((one) => ({ task: one.id, key: one.key, status: one.status, held_by: one.agent })),
    },
    next: open.map((one) => ({ tool: "get_task", arguments: { task: one.id } })),
  });
}

function stateOf({ agent, kind, status }: Task): string {
  if (agent !== null) return `${agent} holds it`;
  return kind === "human" ? "it waits for a person" : `it is ${status}`;
}

function notInReview({ id, key, status }: Task): BatonError {
  const message = `Task ${key} (${id}) is ${status} and no review of it is open. Nothing was decided. request_review asks for one.`;
  return new BatonError("invalid_transition", message, {
    details: { task: id, status },
    next: [callOperation("request_review", { task: id })],
  });
}

/** The token of the caller's own attempt at a review. Errors: `invalid_transition`, `not_permitted`. */
function* ownToken(ctx: EngineContext, { task, spec }: TaskAndSpec, handle: string | undefined): Tx<number> {
  const agent = yield* actingAgent(ctx, handle);
  if (task.status === "running" && task.agent === agent.name) return task.token;
  const who = task.role === null ? "another agent" : `an agent with the role ${task.role}`;
  const may = `${who} over another connection than those that worked on ${spec.review_of ?? "it"}`;
  const details = { task: task.id, status: task.status, role: task.role, held_by: task.agent, agent: agent.name };
  const next = [
    { tool: "claim_task", arguments: { run: task.run, ...(task.role !== null && { roles: [task.role] }) } },
  ];
  if (yield* isAuthor(ctx, task, agent.name)) {
    const message = `${agent.name}, or its connection, worked on ${spec.review_of ?? "it"} and does not review it. Nothing was decided. It waits for ${may}.`;
    throw new BatonError("not_permitted", message, { details, next });
  }
  if (task.kind === "human") {
    const message = `Review ${task.key} (${task.id}) waits for a person, who decides at a terminal: baton approve ${task.id}. Nothing was decided.`;
    throw new BatonError("not_permitted", message, { details });
  }
  const now = task.agent === null ? `it is ${task.status}` : `${task.agent} holds it`;
  const message = `Review ${task.key} (${task.id}) is not held by ${agent.name}: ${now}. Nothing was decided. It is for ${may}, who claims it first.`;
  throw new BatonError(task.agent === null ? "invalid_transition" : "not_permitted", message, { details, next });
}

function* isAuthor({ caller }: EngineContext, { demand: id }: Task, agent: string): Tx<boolean> {
  const demand = yield* findDemand(id);
  if (!demand || demand.notBy.length === 0) return false;
  return isExcluded(yield* withTasksWorkedOn({ agent, parties: partiesOf(agent, caller) }, [demand]), demand);
}
