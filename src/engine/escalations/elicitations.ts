import { type Approval, findApproval } from "../../store/approvals/approvals.js";
import * as store from "../../store/escalations/elicitations.js";
import { type Escalation, findEscalation } from "../../store/escalations/escalations.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import { findRun } from "../../store/runs/runs.js";
import { type DefaultStepDecision, findTask } from "../../store/tasks/tasks.js";
import { lockAccessToken } from "../../store/lock-order.js";
import { together, type Tx } from "../../store/tx.js";
import { approvalEvent, subjectText } from "../approvals/announcements.js";
import { isApproval, isAuthor } from "../approvals/deciding.js";
import { isOpenApproval } from "../approvals/subjects.js";
import { type Caller, type EngineContext, SERVER } from "../context.js";
import { lockTask } from "../lifecycle/locked-task.js";
import { PRIORITIES } from "../scheduling/order.js";
import { escalationEvent } from "./announcements.js";
import { isEscalation, waits } from "./deciding.js";
import { DEFAULT_DECISIONS } from "./tiers.js";

// A question is put to the person at one client at a time: a human step, an escalation that has come to a person, an approval that is theirs.
// The process that asks is a row that lives as long as it does, so that a question is neither shown twice nor lost with the process that
// showed it. An attended client over the network has no process here: its token stands in the row, one question at a time, until the form's
// time is over. The decision goes the way of every other: decide_escalation.

interface QuestionBase {
  /** Id of the task, the escalation or the approval: the argument of decide_escalation. */
  readonly id: string;
  /** Tells it from the next question of the same task; 0 where there is no other. */
  readonly token: number;
  /** Null for a question of no run. */
  readonly run: { readonly id: string; readonly name: string } | null;
  readonly project: string;
  /** When its default decision is taken, in ms since the epoch. */
  readonly until: number | null;
}

/** A human step. */
export interface StepQuestion extends QuestionBase {
  readonly kind: "step";
  readonly key: string;
  readonly startedBy: string;
  readonly ask: string;
  readonly form?: Readonly<Record<string, unknown>>;
  /** Default: reject. */
  readonly defaultDecision?: DefaultStepDecision;
}

export interface EscalationQuestion extends QuestionBase {
  readonly kind: "escalation";
  readonly type: Escalation["type"];
  /** The agent that asks; null where the server does. */
  readonly from: string | null;
  readonly title: string;
  readonly details: string | null;
  /** Whether a task waits for the decision. */
  readonly isBlocking: boolean;
  /** Whether an approval raises a budget. */
  readonly raisesBudget: boolean;
  readonly defaultDecision: (typeof DEFAULT_DECISIONS)[Escalation["type"]];
}

export interface ApprovalQuestion extends QuestionBase {
  readonly kind: "approval";
  readonly from: string;
  /** In words, such as a name and its version. */
  readonly subject: string;
  readonly hash: string;
  /** Null where the result of a task is to be approved. */
  readonly artifact: string | null;
  readonly task: string | null;
  readonly reason: string | null;
}

/** A question as it is put to a person: what was written, and by whom. */
export type Question = StepQuestion | EscalationQuestion | ApprovalQuestion;

export interface QuestionFilter {
  /** Runs that the person at this client has to do with, and single escalations and approvals. */
  readonly about: readonly string[];
  /** Questions not to be asked here now, by `questionId`. */
  readonly except: ReadonlySet<string>;
  /** Handle of that person, who decides no approval of their own work. */
  readonly person: string;
}

export interface Next {
  readonly question?: Question;
  /** Time until there may be a question, where there is none now and no write comes in between. */
  readonly pollInMs?: number;
}

/** A question that may be asked, and from when on: in ms since the epoch, in the order of the more urgent and the older. */
interface Candidate {
  readonly question: Question;
  readonly origin: store.Origin;
  readonly since: number;
  readonly priority: number;
  readonly approval?: Approval;
}

/** Open questions of each kind that are considered at once. */
const OPEN_MAX = 200;
/** The person who started a run is asked before others are, who may only work on it. */
const HEAD_START_MS = 2_000;

/** Tells a question from the next one of the same task. */
export function questionId({ id, token }: Pick<Question, "id" | "token">): string {
  return `${id}/${token}`;
}

/** The first question that the caller's client may ask now. A query. */
export function* nextQuestion(ctx: EngineContext, { about, except, person }: QuestionFilter): Tx<Next> {
  const own = ctx.caller.session?.id ?? "";
  if (own === "" && (yield* isAskedNow(ctx))) return {};
  let pollInMs: number | undefined;
  for (const candidate of yield* candidatesAbout(about)) {
    const { question, approval } = candidate;
    if (except.has(questionId(question)) || (approval && isAuthor(approval, person))) continue;
    const waitMs = freeAt(candidate, own) - ctx.now;
    if (waitMs <= 0 && approval && !(yield* isOpenApproval(approval))) continue;
    if (waitMs <= 0) return { question };
    pollInMs = Math.min(pollInMs ?? waitMs, waitMs);
  }
  return pollInMs === undefined ? {} : { pollInMs };
}

function* candidatesAbout(about: readonly string[]): Tx<Candidate[]> {
  const [steps, escalations, approvals] = yield* together([
    store.stepsToElicit(about, OPEN_MAX),
    store.escalationsToElicit(about, OPEN_MAX),
    store.approvalsToElicit(about, OPEN_MAX),
  ]);
  const found = [...steps.map(ofStep), ...escalations.map(ofEscalation), ...approvals.map(ofApproval)];
  return found.sort((a, b) => b.priority - a.priority || (madeAt(a.question) < madeAt(b.question) ? -1 : 1));
}

/** The part of an id that says when it was made. */
function madeAt({ id }: Question): string {
  return id.slice(id.indexOf("_"));
}

/** From when on a process may ask it, in ms since the epoch. */
function freeAt({ origin: { elicitation, starterSession }, since }: Candidate, own: string): number {
  const asked = elicitation === undefined || elicitation.holder === own ? 0 : elicitation.until;
  return Math.max(asked, starterSession === own ? 0 : since + HEAD_START_MS);
}

function ofStep({ task, spec, ...origin }: store.OpenQuestion): Candidate {
  const { run, project, startedBy } = origin;
  const question: StepQuestion = {
    kind: "step",
    id: task.id,
    token: task.token,
    key: task.key,
    run: { id: task.run, name: run ?? "" },
    project,
    startedBy,
    ask: spec.ask ?? task.title,
    ...(spec.form === undefined ? {} : { form: spec.form }),
    until: task.closeBy,
    ...(spec.default_decision === undefined ? {} : { defaultDecision: spec.default_decision }),
  };
  return { question, origin, since: task.readyAt ?? task.createdAt, priority: task.priority };
}

/** The facts of a question that is its own row. */
function askedOnce({ id, run, origin }: store.Elicited<Pick<Approval, "id" | "run">>) {
  return { id, token: 0, run: run === null ? null : { id: run, name: origin.run ?? "" }, project: origin.project };
}

function ofEscalation(escalation: store.Elicited<Escalation>): Candidate {
  const { type, title, details, askedBy, token, budget, dueAt, createdAt, priority, origin } = escalation;
  const question: EscalationQuestion = {
    ...askedOnce(escalation),
    kind: "escalation",
    type,
    from: askedBy === SERVER ? null : askedBy,
    title,
    details,
    isBlocking: token !== null,
    raisesBudget: budget !== null,
    until: dueAt,
    defaultDecision: DEFAULT_DECISIONS[type],
  };
  return { question, origin, since: createdAt, priority };
}

function ofApproval(approval: store.Elicited<Approval>): Candidate {
  const { askedBy, hash, artifact, task, reason, createdAt, origin } = approval;
  const question: ApprovalQuestion = {
    ...askedOnce(approval),
    kind: "approval",
    from: askedBy,
    subject: subjectText(approval),
    hash,
    artifact,
    task,
    reason,
    until: null,
  };
  return { question, origin, since: createdAt, priority: PRIORITIES.normal, approval };
}

/** Whether this client over the network has a form that is not answered yet, or was closed a short time ago. */
function* isAskedNow({ caller, now }: EngineContext): Tx<boolean> {
  return caller.access !== undefined && (yield* store.hasElicitation(caller.access.id, now));
}

/** Names a question that was put to a client. */
export interface QuestionReference extends Pick<Question, "id" | "token"> {
  /** A run of it, or the question itself: see `QuestionFilter`. */
  readonly about: string;
}

/** The question, where this client over the network is asked it still. A query. */
export function* askedQuestion(
  { caller, now }: EngineContext,
  { id, token, about }: QuestionReference,
): Tx<Question | undefined> {
  const candidates = yield* candidatesAbout([about]);
  const found = candidates.find(({ question }) => question.id === id && question.token === token);
  const asked = found?.origin.elicitation;
  const isTheirs = asked !== undefined && caller.access !== undefined && asked.holder === caller.access.id;
  return isTheirs && asked.until > now ? found?.question : undefined;
}

/** The process that asks, or the token of the client over the network that is asked. */
function holderOf({ session, access }: Caller): string | undefined {
  return session?.id ?? access?.id;
}

/** Takes a question on, for at most so long. False where another process has, or it is no longer asked. */
export function* startElicitation(
  ctx: EngineContext,
  { id, token, forMs }: Pick<Question, "id" | "token"> & { readonly forMs: number },
): Tx<boolean> {
  const { session, access, agent } = ctx.caller;
  const holder = holderOf(ctx.caller);
  if (!isEscalation(id) && !isApproval(id)) yield* lockTask(id);
  const event = yield* askedEvent({ id, token }, ctx.caller.agent);
  if (holder === undefined || event === undefined) return false;
  // Two calls of one client may have found different questions: one form is open at a time.
  if (session === null) {
    yield* lockAccessToken(holder);
    if (yield* isAskedNow(ctx)) return false;
  }
  if (!(yield* store.claimElicitation({ id, token, holder, until: ctx.now + forMs, now: ctx.now }))) return false;
  const where = session === null ? { client: agent, access: access?.id } : { client: session.client };
  yield* appendEvents(ctx, [{ ...event, data: { ...event.data, ...where } }]);
  return true;
}

/** The event that a person is asked a question; undefined where it waits for none any more, as it was shown. */
function* askedEvent({ id, token }: Pick<Question, "id" | "token">, agent: string): Tx<NewEvent | undefined> {
  if (isEscalation(id)) {
    const found = yield* findEscalation(id);
    if (found?.decidedAt !== null || found.tier !== "human") return undefined;
    const task = found.token === null || found.task === null ? undefined : yield* findTask(found.task);
    return task && !waits(task, found) ? undefined : escalationEvent("asked", found, agent);
  }
  if (isApproval(id)) {
    const found = yield* findApproval(id);
    return found && (yield* isOpenApproval(found)) ? approvalEvent("asked", found, agent) : undefined;
  }
  const task = yield* findTask(id);
  if (task?.status !== "waiting" || task.token !== token) return undefined;
  const { project, run, key } = task;
  if ((yield* findRun(run))?.endedAt !== null) return undefined;
  return { type: "task.asked", project, run, task: id, data: { key } };
}

/** Whether it still waits for a decision, as it was shown. A query. */
export function* awaitsDecision(question: Pick<Question, "id" | "token">): Tx<boolean> {
  return (yield* askedEvent(question, SERVER)) !== undefined;
}

/** Ends an elicitation: where the question is open still, other clients may ask. */
export function* endElicitation(ctx: EngineContext, { id }: Pick<Question, "id">): Tx<void> {
  const holder = holderOf(ctx.caller);
  if (holder !== undefined) yield* store.endElicitation(id, holder);
}
