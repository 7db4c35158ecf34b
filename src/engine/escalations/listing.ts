import { BatonError } from "../../base/errors.js";
import { type PageQuery, pageOf } from "../../base/lists/paging.js";
import type { EscalationStatus, EscalationTier } from "../../base/statuses.js";
import { iso } from "../../base/time.js";
import { type Approval, listOpenApprovals, PERSON_ROLE } from "../../store/approvals/approvals.js";
import { type Escalation, listEscalations } from "../../store/escalations/escalations.js";
import { listTakerless } from "../../store/escalations/takerless.js";
import { openQuestions, type QuestionQuery } from "../../store/tasks/server-steps.js";
import type { TaskAndSpec } from "../../store/tasks/tasks.js";
import type { EngineContext } from "../context.js";
import { requireRun } from "../lookup.js";
import { findProject } from "../projects/projects.js";
import { priorityName } from "../scheduling/order.js";
import { taskLine } from "../tasks/views.js";
import { subjectText } from "../approvals/announcements.js";
import { DEFAULT_DECISIONS } from "./tiers.js";

export interface EscalationQuery extends Pick<QuestionQuery, "run" | "project">, PageQuery {
  readonly status?: EscalationStatus | undefined;
  readonly tier?: EscalationTier | undefined;
}

/** A question in a list: what an agent escalated, a human step, or a task that no agent may take. */
export type EscalationLine =
  | ReturnType<typeof escalationView>
  | ReturnType<typeof questionView>
  | ReturnType<typeof approvalLine>;

/**
 * Lists the questions that wait for a decision, in the order in which they or their tasks were made: escalations of agents, and of runs
 * that have not ended human steps and tasks without a taker, which wait for a person. With a status other than open: escalations alone.
 * Without a project: of all projects. Errors: `not_found`.
 */
export function* listEscalationPage(ctx: EngineContext, query: EscalationQuery) {
  if (query.run !== undefined) yield* requireRun(query.run);
  const project = query.project === undefined ? undefined : yield* findProject(ctx, query.project);
  const { run, cursor, limit, status, tier } = query;
  const after = placeOf(cursor);
  const where = { run, project: project?.id, limit: limit + 1 };
  const ofTasks = { ...where, after: after === undefined ? undefined : `task${after}` };
  const asksPerson = (status ?? "open") === "open" && (tier ?? "human") === "human";
  const questions = asksPerson ? (yield* openQuestions(ofTasks)).map((one) => questionView({ ...one, ...GATE })) : [];
  const takerless = asksPerson
    ? (yield* listTakerless(ofTasks)).map((one) => questionView({ ...one, ...NO_TAKER, ask: askOf(one) }))
    : [];
  const ofApprovals = {
    ...where,
    asksPerson: tier === undefined ? undefined : tier === "human",
    after: after === undefined ? undefined : `approval${after}`,
  };
  const approvals =
    (status ?? "open") === "open" && tier !== "agent" ? (yield* listOpenApprovals(ofApprovals)).map(approvalLine) : [];
  const ofAgents = { ...where, status, tier, after: after === undefined ? undefined : `escalation${after}` };
  const escalated = (yield* listEscalations(ofAgents)).map(escalationView);
  const found: EscalationLine[] = [...questions, ...takerless, ...approvals, ...escalated];
  const { page, next } = pageOf(inOrder(found).slice(0, limit + 1), limit, ({ id }) => id);
  return { escalations: page, ...next };
}

const ID = /^(?:task|escalation|approval)(_[0-9a-z]{16})$/;

/** The part of an id that says when it was made: by it the kinds of questions stand in one order. */
function placeOf(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const [, place] = ID.exec(cursor) ?? [];
  if (place !== undefined) return place;
  throw new BatonError("invalid_input", "Invalid cursor: pass next_cursor of the previous page of this list.", {
    details: { path: "cursor" },
  });
}

function inOrder(found: readonly EscalationLine[]): EscalationLine[] {
  const placed = found.map((line) => ({ line, place: placeOf(line.id) ?? "" }));
  return placed.toSorted((a, b) => (a.place < b.place ? -1 : 1)).map(({ line }) => line);
}

const GATE = { type: "gate_approval", ask: undefined } as const;
const NO_TAKER = { type: "no_taker" } as const;

function askOf({ detail }: { readonly detail: string }): string {
  return `${detail}. Approved: any agent may take it; rejected: it fails; deferred: it waits on.`;
}

interface Question extends TaskAndSpec {
  readonly type: string;
  readonly ask: string | undefined;
}

function questionView({ task, spec, type, ask }: Question) {
  return {
    id: task.id,
    type,
    tier: "human" as const,
    status: "open" as const,
    ask: ask ?? spec.ask ?? task.title,
    ...(spec.form === undefined ? {} : { form: { ...spec.form } }),
    token: task.token,
    task: taskLine(task),
    asked_at: iso(task.readyAt ?? task.createdAt),
    ...(task.closeBy === null
      ? {}
      : { until: iso(task.closeBy), default_decision: spec.default_decision ?? ("reject" as const) }),
  };
}

/** An open approval among the questions: a person may decide each, and agents those of their roles. */
export function approvalLine(approval: Approval) {
  const { id, role, status, reason, askedBy, run, task, artifact, createdAt, decidedAt, decidedBy } = approval;
  const { conditions, note } = approval;
  return {
    id,
    type: "approval",
    tier: role === PERSON_ROLE ? ("human" as const) : ("lead" as const),
    status,
    ask: `Approve ${subjectText(approval)} as ${role}?`,
    from: askedBy,
    ...(reason === null ? {} : { details: reason }),
    ...(run === null ? {} : { run }),
    ...(task === null ? {} : { about: task }),
    ...(artifact === null ? {} : { artifact }),
    asked_at: iso(createdAt),
    ...(decidedAt === null ? {} : { decided_at: iso(decidedAt) }),
    ...(decidedBy === null ? {} : { decided_by: decidedBy }),
    ...(conditions.length === 0 ? {} : { conditions: [...conditions] }),
    ...(note === null ? {} : { note }),
  };
}

/** An escalation as answers show it; `about` is the task that it names. */
export function escalationView(escalation: Escalation) {
  const { id, type, title, details, tier, status, priority, askedBy, run, task, token, createdAt } = escalation;
  const { dueAt, decidedAt, decidedBy, conditions, note, budget } = escalation;
  return {
    id,
    type,
    tier,
    status,
    ask: title,
    from: askedBy,
    ...(details === null ? {} : { details }),
    priority: priorityName(priority),
    blocking: token !== null,
    ...(run === null ? {} : { run }),
    ...(task === null ? {} : { about: task }),
    asked_at: iso(createdAt),
    default_decision: DEFAULT_DECISIONS[type],
    ...(dueAt === null ? {} : { due_at: iso(dueAt) }),
    ...(decidedAt === null ? {} : { decided_at: iso(decidedAt) }),
    ...(decidedBy === null ? {} : { decided_by: decidedBy }),
    ...(conditions.length === 0 ? {} : { conditions: [...conditions] }),
    ...(note === null ? {} : { note }),
    ...(budget === null ? {} : { budget }),
  };
}
