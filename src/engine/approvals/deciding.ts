import { BatonError, callOperation, type NextCall } from "../../base/errors.js";
import { SUPERVISION_TIERS } from "../../base/statuses.js";
import * as store from "../../store/approvals/approvals.js";
import { type Approval, PERSON_ROLE } from "../../store/approvals/approvals.js";
import { appendEvents } from "../../store/events/events.js";
import { findProjectByReference } from "../../store/projects/projects.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import { actingAgent } from "../agents/agents.js";
import { partiesOf } from "../agents/parties.js";
import { rolesOf } from "../channels/addresses.js";
import type { EngineContext } from "../context.js";
import { channelOf, requirePerson } from "../person.js";
import { requireConditions } from "../supervision/conditions.js";
import { highestTier, tierOfRole } from "../supervision/tiers.js";
import { answerRequester, approvalEvent } from "./announcements.js";
import { changeSince } from "./subjects.js";

export const APPROVAL_DECISIONS = ["approved", "approved_with_conditions", "rejected"] as const;

export interface ApprovalDecision {
  readonly approval: string;
  readonly decision: (typeof APPROVAL_DECISIONS)[number];
  readonly conditions?: readonly string[] | undefined;
  readonly note?: string | undefined;
  readonly agent?: string | undefined;
}

export function isApproval(id: string): boolean {
  return id.startsWith("approval_");
}

/** Whether an agent, or a person at a form, asked for an approval or made its subject. */
export function isAuthor({ parties }: Approval, handle: string): boolean {
  return parties.includes(`agent:${handle}`);
}

/**
 * Decides an approval: an agent with the role that was asked for, or with one of a higher tier, but none that made the subject; a person any.
 * Errors: `not_found`; `not_permitted`; `conflict` where the subject has changed since; `invalid_transition` for a decided one.
 */
export function* decideApproval(ctx: EngineContext, decision: ApprovalDecision): Tx<Approval> {
  const approval = yield* store.findApproval(decision.approval);
  if (!approval) throw noSuchApproval(decision.approval);
  const by = yield* requireApprover(ctx, approval, decision.agent);
  if (approval.decidedAt !== null) throw decidedAlready(approval);
  requireConditions(decision);
  const change = yield* changeSince(approval);
  if (change !== undefined) throw outdated(approval, change);
  const { conditions = [], note = null } = decision;
  const decided: Approval = {
    ...approval,
    status: decision.decision,
    conditions,
    note,
    decidedAt: ctx.now,
    decidedBy: by,
  };
  if (!(yield* store.decideOpenApproval(decided)))
    throw new RestartTransaction(`approval ${approval.id} was decided meanwhile`);
  const event = approvalEvent("decided", decided, by);
  yield* appendEvents(ctx, [{ ...event, data: { ...event.data, ...channelOf(ctx) } }]);
  yield* answerRequester(ctx, decided);
  return decided;
}

/** Returns the handle that decides. */
function* requireApprover(ctx: EngineContext, approval: Approval, agent: string | undefined): Tx<string> {
  const { id, role, askedBy } = approval;
  const refuse = (name: string, why: string): never => {
    const message = `Approval ${id} is not for ${name} to decide: ${why}. Nothing was decided. A person decides at a terminal: baton approve ${id}.`;
    throw new BatonError("not_permitted", message, { details: { approval: id, role } });
  };
  if (ctx.caller.channel === "human") {
    const { agent: person, seat } = ctx.caller;
    // The handle of a form is that of the person alone; at a terminal, programs have it too.
    if (seat === undefined && isAuthor(approval, person)) refuse(person, `${person} made what is to be approved`);
    return person;
  }
  // The handle of a command line is the user's name, as a person's is: a program that calls it names an agent's.
  if (role === PERSON_ROLE || (ctx.caller.session === null && agent === undefined))
    requirePerson(ctx, {
      matter: `Approval ${id} is for ${role === PERSON_ROLE ? "a person" : "a person, or for an agent that names its handle"}. Nothing was decided.`,
      way: `A person decides at a terminal: baton approve ${id}.`,
      details: { approval: id, role },
    });
  const acting = yield* actingAgent(ctx, agent);
  const parties = partiesOf(acting.name, ctx.caller);
  if (approval.parties.some((party) => parties.has(party)))
    refuse(acting.name, `${askedBy} asks, or its author made it, over the same handle or connection`);
  const config = (yield* findProjectByReference(approval.project))?.config ?? {};
  const own = rolesOf(acting);
  const isAbove =
    SUPERVISION_TIERS.indexOf(highestTier(config, own)) > SUPERVISION_TIERS.indexOf(tierOfRole(config, role));
  if (!own.includes(role) && !isAbove)
    refuse(acting.name, `it waits for an agent with the role ${role}, or one of a higher tier`);
  return acting.name;
}

function noSuchApproval(id: string): BatonError {
  return new BatonError("not_found", `There is no approval ${id}.`, {
    details: { approval: id },
    next: [{ tool: "query_operation", arguments: { name: "get_supervision", arguments: {} } }],
  });
}

function decidedAlready(approval: Approval): BatonError {
  const { id, status, decidedBy, decidedAt } = approval;
  const when = new Date(decidedAt ?? 0).toISOString();
  const isVoid = status === "void";
  const how = isVoid ? "is void, since a newer version was put up" : `was ${status} by ${decidedBy ?? "baton"}`;
  const message = `Approval ${id} ${how} at ${when}. Nothing was changed.`;
  return new BatonError("invalid_transition", message, {
    details: { approval: id, status, decided_by: decidedBy },
    ...(isVoid && { next: [requestAgain(approval)] }),
  });
}

function outdated(approval: Approval, change: string): BatonError {
  const { id } = approval;
  const message = `Approval ${id} is void: ${change}. Nothing was decided. The version of now is approved by another request.`;
  return new BatonError("conflict", message, {
    details: { approval: id, status: "void" },
    next: [requestAgain(approval)],
  });
}

/** The call that asks for the same approval of what there is now. */
function requestAgain({ task, run, project, name, role }: Approval): NextCall {
  return callOperation("request_approval", {
    ...(task === null ? (run === null ? { project } : { run }) : { task }),
    ...(name === null ? {} : { artifact: name }),
    approver_role: role,
  });
}
