import { type NotificationContent, type NotificationTarget, QUESTIONS } from "../../base/notifications/targets.js";
import { latestCursor, readEvents } from "../../store/events/history.js";
import { type Delivery, insertDeliveries, toldQuestions } from "../../store/notifications/deliveries.js";
import { findTarget, insertTarget, lockTarget, moveCursor } from "../../store/notifications/targets.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { contentOf } from "./content.js";
import {
  type NotableEvent,
  openQuestion,
  openQuestionEvents,
  type PersonQuestion,
  QUESTION_EVENTS,
} from "./questions.js";

// The history is the outbox: what happened stands there by the transaction that made it true. A process with targets follows it
// from a cursor in the target's row, and moves that row with the deliveries that it makes.

/** Events read for one transaction. */
const EVENTS_MAX = 100;

type Selection = Pick<NotificationTarget, "events">;
type Target = Pick<NotificationTarget, "id" | "events">;

/**
 * Ensures the row of a target, and returns its cursor. A new one is told of the questions that are open now, and of what happens from
 * now on.
 */
export function* registerTarget(ctx: EngineContext, target: Target): Tx<string> {
  const known = yield* findTarget(target.id);
  if (known) return known.cursor;
  const cursor = yield* latestCursor();
  const isNew = yield* insertTarget({ id: target.id, cursor, readAt: ctx.now });
  if (isNew && target.events.includes(QUESTIONS)) yield* saveDeliveries(ctx, target, yield* openQuestionEvents());
  return cursor;
}

export interface News {
  readonly cursor: string;
  /** Whether a target is told of an event before it. */
  readonly found: boolean;
  /** Whether there is more to read at once. */
  readonly more: boolean;
}

/** Finds the next event for a target after a cursor. A query: it costs who has targets a read for each commit. */
export function* findNews(target: Selection, after: string): Tx<News> {
  const page = yield* readEvents({ after, ...filterOf(target), limit: EVENTS_MAX });
  return { cursor: page.cursor, found: page.events.some((event) => isWanted(target, event)), more: page.more };
}

/** Makes deliveries of the events after the target's cursor, and moves it. Returns where it is, and whether there is more to read. */
export function* collectDeliveries(
  ctx: EngineContext,
  target: Target,
): Tx<{ cursor: string; more: boolean } | undefined> {
  const row = yield* lockTarget(target.id);
  if (!row) return undefined;
  const page = yield* readEvents({ after: row.cursor, ...filterOf(target), limit: EVENTS_MAX });
  yield* saveDeliveries(ctx, target, page.events);
  if (page.cursor !== row.cursor) yield* moveCursor({ id: row.id, cursor: page.cursor, readAt: ctx.now });
  return { cursor: page.cursor, more: page.more };
}

function* saveDeliveries(ctx: EngineContext, target: Target, events: readonly NotableEvent[]): Tx<void> {
  const news: { readonly event: NotableEvent; readonly question: PersonQuestion | undefined }[] = [];
  for (const event of events) {
    const asks = target.events.includes(QUESTIONS) && isQuestion(event);
    const question = asks ? yield* openQuestion(event) : undefined;
    if (question !== undefined || selects(target.events, event.type)) news.push({ event, question });
  }
  const keys = news.flatMap(({ question }) => question?.key ?? []);
  const told = new Set(yield* toldQuestions(target.id, keys));
  const deliveries: Delivery[] = [];
  for (const { event, question } of news) {
    if (question !== undefined && told.has(question.key)) continue;
    if (question !== undefined) told.add(question.key);
    deliveries.push(newDelivery(ctx, target, { event, content: yield* contentOf(event, question), question }));
  }
  yield* insertDeliveries(deliveries);
}

interface Told {
  readonly event: NotableEvent;
  readonly question: PersonQuestion | undefined;
  readonly content: NotificationContent;
}

function newDelivery(ctx: EngineContext, { id: target }: Target, { event, question, content }: Told): Delivery {
  const { project, run, task } = event;
  return {
    id: ctx.newId("delivery"),
    target,
    question: question?.key ?? null,
    project,
    run,
    task,
    content,
    status: "pending",
    attempts: 0,
    error: null,
    createdAt: ctx.now,
    dueAt: ctx.now,
    endedAt: null,
  };
}

/** Types to read: all where a pattern stands for several. */
function filterOf({ events }: Selection) {
  if (events.some((type) => type.endsWith("*"))) return {};
  const types = events.flatMap((type) => (type === QUESTIONS ? QUESTION_EVENTS : [type]));
  return types.length > TYPES_MAX ? {} : { filters: { types } };
}

/** Types by which the history is read at once. */
const TYPES_MAX = 32;

function isWanted({ events }: Selection, event: NotableEvent): boolean {
  return (events.includes(QUESTIONS) && isQuestion(event)) || selects(events, event.type);
}

/** Whether an event may be a question to a person, by what it says itself. */
function isQuestion({ type, data }: NotableEvent): boolean {
  if (type === "task.waiting") return data["kind"] === "human";
  if (type.startsWith("escalation.") && data["tier"] !== "human") return false;
  return QUESTION_EVENTS.includes(type);
}

function selects(events: readonly string[], type: string): boolean {
  return events.some((wanted) => wanted === type || (wanted.endsWith("*") && type.startsWith(wanted.slice(0, -1))));
}
