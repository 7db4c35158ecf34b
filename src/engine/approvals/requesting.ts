import { BatonError } from "../../base/errors.js";
import { isName, NAME_RULE } from "../../base/names.js";
import * as store from "../../store/approvals/approvals.js";
import type { Approval } from "../../store/approvals/approvals.js";
import { appendEvents } from "../../store/events/events.js";
import { lockProject, lockRun } from "../../store/lock-order.js";
import { findProjectByReference, type ProjectConfig } from "../../store/projects/projects.js";
import { together, type Tx } from "../../store/tx.js";
import { actingAgent } from "../agents/agents.js";
import { ownParties } from "../agents/parties.js";
import type { EngineContext } from "../context.js";
import { approvalEvent, askApprovers } from "./announcements.js";
import { type ApprovalSubject, changeSince, type GivenSubject, makersOf, requireSubject } from "./subjects.js";

/** Open approvals that an agent may have asked for in a project. */
const OPEN_MAX = 50;
const EARLIER_MAX = 50;

export interface ApprovalRequest extends GivenSubject {
  readonly approver_role: string;
  readonly reason?: string | undefined;
  readonly agent?: string | undefined;
}

/**
 * Asks for the approval of an artifact, or of a task's result, as it is now. The same request again is the one that is open; open ones of an
 * earlier version are void. Errors: `not_found`, `invalid_input`, `invalid_transition`, `limit_exceeded`.
 */
export function* requestApproval(ctx: EngineContext, request: ApprovalRequest): Tx<Approval> {
  requireRole(request.approver_role);
  const agent = yield* actingAgent(ctx, request.agent);
  // Two requests for the same subject are one, so its run or project is locked, and read again under the lock.
  const { run, project } = yield* requireSubject(ctx, request);
  yield* run === null ? lockProject(project) : lockRun(run);
  const subject = yield* requireSubject(ctx, request);
  const role = request.approver_role;
  const earlier = (yield* earlierOf(subject)).filter((one) => one.decidedAt === null && one.role === role);
  const same = earlier.find(({ hash }) => hash === subject.hash);
  if (same) return same;
  yield* makeVoid(ctx, earlier);
  yield* requireFew(ctx, project, agent.name);
  const config: Partial<ProjectConfig> = (yield* findProjectByReference(project))?.config ?? {};
  const own = ownParties(config, agent.name, ctx.caller);
  const { author: _, ...bound } = subject;
  const approval: Approval = {
    id: ctx.newId("approval"),
    ...bound,
    role,
    reason: request.reason ?? null,
    status: "open",
    askedBy: agent.name,
    parties: [...new Set([...own, ...(yield* makersOf(subject, config.reviewers === "handle"))])].sort(),
    createdAt: ctx.now,
    decidedAt: null,
    decidedBy: null,
    conditions: [],
    note: null,
  };
  yield* store.insertApproval(approval);
  yield* appendEvents(ctx, [approvalEvent("requested", approval, agent.name)]);
  yield* askApprovers(ctx, approval);
  return approval;
}

function requireRole(role: string): void {
  if (isName(role)) return;
  const message = `approver_role: must be ${NAME_RULE}, such as tech_lead, or human for a person. Nothing was asked.`;
  throw new BatonError("invalid_input", message, { details: { path: "approver_role", given: role } });
}

function* earlierOf({ scope, name, task }: ApprovalSubject): Tx<Approval[]> {
  if (scope !== null && name !== null) return yield* store.approvalsOfName(scope, name, EARLIER_MAX);
  return task === null ? [] : yield* store.approvalsOfResult(task, EARLIER_MAX);
}

function* makeVoid(ctx: EngineContext, approvals: readonly Approval[]): Tx<void> {
  const over = approvals.map((one): Approval => ({ ...one, status: "void", decidedAt: ctx.now }));
  const closed = yield* together(over.map((one) => store.decideOpenApproval(one)));
  const events = over.filter((_, at) => closed[at]).map((one) => approvalEvent("void", one, ctx.caller.agent));
  yield* appendEvents(ctx, events);
}

/** At the limit, requests whose subject has changed become void: they cannot be decided, and would keep their agent from asking for ever. */
function* requireFew(ctx: EngineContext, project: string, agent: string): Tx<void> {
  const open = yield* store.openApprovalsFrom(agent, project, OPEN_MAX);
  if (open.length < OPEN_MAX) return;
  const changes = yield* together(open.map((one) => changeSince(one)));
  const outdated = open.filter((_, at) => changes[at] !== undefined);
  yield* makeVoid(ctx, outdated);
  if (outdated.length > 0) return;
  const message = `${agent} has asked for ${open.length} approvals here that are open, and at most ${OPEN_MAX} fit. Nothing was asked: wait for decisions first.`;
  throw new BatonError("limit_exceeded", message, {
    details: { open: open.length, max: OPEN_MAX },
    next: [{ tool: "wait_for", arguments: { kinds: ["decision"] } }],
  });
}
