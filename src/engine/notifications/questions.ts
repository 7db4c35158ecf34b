import { findApproval, listOpenApprovals, PERSON_ROLE } from "../../store/approvals/approvals.js";
import { findEscalation, listEscalations } from "../../store/escalations/escalations.js";
import { listTakerless } from "../../store/escalations/takerless.js";
import { openQuestions } from "../../store/tasks/server-steps.js";
import { findTask, findTaskAndSpec, type TaskAndSpec } from "../../store/tasks/tasks.js";
import type { StoredEvent } from "../../store/events/history.js";
import type { Tx } from "../../store/tx.js";
import { iso } from "../../base/time.js";
import { subjectText } from "../approvals/announcements.js";
import { isOpenApproval } from "../approvals/subjects.js";
import { awaitsDecision } from "../escalations/elicitations.js";
import { isTakerless } from "../escalations/takerless.js";
import { DEFAULT_DECISIONS } from "../escalations/tiers.js";

/** Types of the events by which a question may come to wait for a person. */
export const QUESTION_EVENTS: readonly string[] = [
  "escalation.opened",
  "escalation.climbed",
  "escalation.deferred",
  "escalation.paused",
  "task.waiting",
  "task.escalated",
  "approval.requested",
];

/** An event as notifications read it. */
export type NotableEvent = Omit<StoredEvent, "seq">;

/** A question that waits for a person. */
export interface PersonQuestion {
  /** Tells it from the next one of the same task. */
  readonly key: string;
  /** Argument of `baton approve`. */
  readonly id: string;
  readonly type: string;
  readonly ask: string;
  readonly details?: string;
  readonly from?: string;
  readonly priority?: number;
  /** The instant and the decision that is taken then. */
  readonly until?: string;
  readonly otherwise?: string;
}

/** The question that an event is about, where it waits for a person still. */
export function* openQuestion(event: NotableEvent): Tx<PersonQuestion | undefined> {
  const { type, task, data } = event;
  if (type.startsWith("escalation.")) return yield* openEscalation(String(data["escalation"]));
  if (type === "approval.requested") return yield* openApproval(String(data["approval"]));
  if (task === null) return undefined;
  if (type === "task.waiting" && data["kind"] === "human") return yield* openStep(task);
  if (type !== "task.escalated") return undefined;
  const key = `${TAKERLESS}${task}/${event.at}`;
  if (!(yield* awaitsPerson(key))) return undefined;
  const ask = `${String(data["detail"])}. Approved: any agent may take it; rejected: it fails.`;
  return { key, id: task, type: "no_taker", ask };
}

function* openEscalation(id: string): Tx<PersonQuestion | undefined> {
  const found = yield* findEscalation(id);
  if (!found || found.decidedAt !== null || found.tier !== "human") return undefined;
  const { type, title, details, askedBy, priority, dueAt } = found;
  return {
    key: id,
    id,
    type,
    ask: title,
    from: askedBy,
    priority,
    ...(details === null ? {} : { details }),
    ...(dueAt === null ? {} : { until: iso(dueAt), otherwise: DEFAULT_DECISIONS[type] }),
  };
}

function* openApproval(id: string): Tx<PersonQuestion | undefined> {
  const found = yield* findApproval(id);
  if (!found || !(yield* isOpenApproval(found)) || found.role !== PERSON_ROLE) return undefined;
  const { reason, askedBy } = found;
  const ask = `Approve ${subjectText(found)}?`;
  return { key: id, id, type: "approval", ask, from: askedBy, ...(reason === null ? {} : { details: reason }) };
}

function* openStep(id: string): Tx<PersonQuestion | undefined> {
  const found = yield* findTaskAndSpec(id);
  if (found?.task.status !== "waiting" || found.task.kind !== "human") return undefined;
  const { task, spec } = found;
  const until = task.closeBy === null ? {} : { until: iso(task.closeBy), otherwise: spec.default_decision ?? "reject" };
  return { key: `${id}/${task.token}`, id, type: "gate_approval", ask: spec.ask ?? task.title, ...until };
}

const TAKERLESS = "taker:";

/** Questions of each kind that a new target is told of. */
const OPEN_MAX = 50;

/** The events of questions that wait for a person now, as the history has them, the oldest first. */
export function* openQuestionEvents(): Tx<NotableEvent[]> {
  const escalations = yield* listEscalations({ tier: "human", limit: OPEN_MAX });
  const steps = yield* openQuestions({ limit: OPEN_MAX });
  const takerless = yield* listTakerless({ limit: OPEN_MAX });
  const ofTask = ({ task }: TaskAndSpec) => ({ project: task.project, run: task.run, task: task.id, agent: null });
  const approvals = yield* listOpenApprovals({ asksPerson: true, limit: OPEN_MAX });
  const events: NotableEvent[] = [
    ...approvals.map(({ id, project, run, task, askedBy, createdAt: at }) => {
      return { type: "approval.requested", at, project, run, task, agent: askedBy, data: { approval: id } };
    }),
    ...escalations.map(({ id, type: of, project, run, task, askedBy, createdAt: at }) => {
      return {
        type: "escalation.opened",
        at,
        project,
        run,
        task,
        agent: askedBy,
        data: { escalation: id, of, tier: "human" },
      };
    }),
    ...steps.map((found) => {
      const { kind, key, readyAt, createdAt } = found.task;
      return { type: "task.waiting", at: readyAt ?? createdAt, ...ofTask(found), data: { kind, key } };
    }),
    ...takerless.map((found) => {
      const { detail, askedAt: at } = found;
      return { type: "task.escalated", at, ...ofTask(found), data: { detail, key: found.task.key } };
    }),
  ];
  return events.toSorted((a, b) => a.at - b.at);
}

/** The id by which the question with this key is decided. */
export function decidedBy(key: string): string {
  return key.replace(TAKERLESS, "").split("/")[0] ?? key;
}

/** Whether the question with this key may still be decided. */
export function* awaitsPerson(key: string): Tx<boolean> {
  const id = decidedBy(key);
  const [, token] = key.split("/");
  if (!key.startsWith(TAKERLESS)) return yield* awaitsDecision({ id, token: Number(token ?? 0) });
  const task = yield* findTask(id);
  return task !== undefined && (yield* isTakerless(task));
}
