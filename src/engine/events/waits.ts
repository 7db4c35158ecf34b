import { setEventCursor } from "../../store/agents/agents.js";
import {
  latestCursor,
  newestEventOfTask,
  newestEventsOf,
  readEvents,
  requireCursor,
  type StoredEvent,
} from "../../store/events/history.js";
import { type Lock, locksOfRequests } from "../../store/locks/locks.js";
import { requestsOfAgents } from "../../store/locks/requests.js";
import { findTask } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { BatonError } from "../../base/errors.js";
import type { EventType } from "../../base/notifications/event-types.js";
import { actingAgent } from "../agents/agents.js";
import { addressOf, inboxOf, parseAddressee } from "../channels/addresses.js";
import type { EngineContext } from "../context.js";
import type { FirstWait } from "./earlier.js";
import { isStale } from "../locks/conflicts.js";
import { requireRun, requireTask } from "../lookup.js";
import { projectAtHand } from "../projects/creation.js";

/** Kinds of event that an agent can wait for. */
export const WAIT_KINDS = [
  "message",
  "lock_granted",
  "run_finished",
  "task_ready",
  "task_ended",
  "milestone",
  "decision",
  "review",
] as const;
export type WaitKind = (typeof WAIT_KINDS)[number];

const ON_REQUEST: ReadonlySet<WaitKind> = new Set(["task_ended", "decision", "review"]);
/**
 * Kinds that a call waits for where it names none: that any task has ended is news only to a caller that asks for it, and a decision comes
 * as a message too.
 */
const DEFAULT_KINDS: readonly WaitKind[] = WAIT_KINDS.filter((kind) => !ON_REQUEST.has(kind));

const TYPES: Readonly<Record<WaitKind, readonly EventType[]>> = {
  message: ["message.sent"],
  lock_granted: ["lock.granted", "lock.offered"],
  run_finished: ["run.finished"],
  milestone: ["milestone.completed"],
  decision: ["escalation.decided", "approval.decided", "task.decided"],
  review: ["review.requested", "review.submitted"],
  task_ended: ["task.succeeded", "task.dead_letter", "task.cancelled", "task.skipped", "task.blocked"],
  task_ready: [
    "run.started",
    "task.ready",
    "task.released",
    "task.lease_lost",
    "task.reservation_lapsed",
    "run.reopened",
    "run.resumed",
    "run.resumed_from_checkpoint",
    "run.forked",
  ],
};

const DECISIONS: ReadonlySet<string> = new Set(TYPES.decision);

/** States of a task with which its `task_ended` comes. */
const ENDED: ReadonlySet<string> = new Set(["succeeded", "dead_letter", "cancelled", "skipped", "blocked"]);

/** The events an agent waits for, and the place in the history from which it waits. Plain data: a repeated request reads it as JSON. */
export interface Watch {
  readonly agent: string;
  readonly kinds: readonly WaitKind[];
  readonly run: string | undefined;
  /** The only task whose events are waited for. */
  readonly task: string | undefined;
  readonly project: string | undefined;
  /** Where messages to the agent are addressed, beside its tasks. */
  readonly addresses: readonly string[];
  readonly cursor: string;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
  /** Undefined for an agent that has waited before, or that says from where it waits. */
  readonly first: FirstWait | undefined;
}

export interface WatchRequest {
  readonly agent?: string | undefined;
  readonly kinds?: readonly WaitKind[] | undefined;
  readonly run?: string | undefined;
  /** An id, or `RUN/KEY`. */
  readonly task?: string | undefined;
  readonly project?: string | undefined;
  readonly cursor?: string | undefined;
}

/**
 * Settles what a call waits for: from the cursor given, else from where this agent left off, else from now. Errors: `not_found`;
 * `invalid_input` for a task of another run than the one that is named.
 */
export function* openWatch(ctx: EngineContext, request: WatchRequest): Tx<Watch> {
  if (request.cursor !== undefined) requireCursor(request.cursor);
  const agent = yield* actingAgent(ctx, request.agent);
  const { home, ...about } = yield* subjectOf(ctx, request);
  const kinds: readonly WaitKind[] = request.kinds ?? (about.task === undefined ? DEFAULT_KINDS : ["task_ended"]);
  const isFirst = request.cursor === undefined && agent.eventCursor === null;
  const readsInbox = kinds.includes("message") || (isFirst && kinds.includes("decision"));
  const inbox = readsInbox ? yield* inboxOf(agent, home) : undefined;
  return {
    agent: agent.name,
    kinds,
    addresses: kinds.includes("message") ? (inbox?.addresses ?? []) : [],
    ...about,
    first: isFirst ? { ...about, agent, inbox, kinds, project: home } : undefined,
    cursor: request.cursor ?? agent.eventCursor ?? (yield* firstCursor(agent.name)),
    openedAt: ctx.now,
  };
}

/** The run, task and project that a call names, and the project in which it is. Errors: `not_found`, `invalid_input`. */
function* subjectOf(ctx: EngineContext, request: WatchRequest) {
  const run = request.run === undefined ? undefined : yield* requireRun(request.run);
  const task = request.task === undefined ? undefined : (yield* requireTask(request.task)).task;
  if (task && run && task.run !== run.id) {
    const message = `Task ${task.key} (${task.id}) belongs to run ${task.run}, not to ${run.id}: leave run out.`;
    throw new BatonError("invalid_input", message, { next: [{ tool: "wait_for", arguments: { task: task.id } }] });
  }
  const project = (yield* projectAtHand(ctx, request.project))?.id;
  return { run: task?.run ?? request.run, task: task?.id, project, home: (task ?? run)?.project ?? project };
}

// Returns the cursor of a first wait: the agent hears of events from then on, also between this call and the next.
function* firstCursor(agent: string): Tx<string> {
  const cursor = yield* latestCursor();
  yield* setEventCursor(agent, cursor);
  return cursor;
}

export interface Seen {
  readonly events: readonly StoredEvent[];
  readonly cursor: string;
}

const EVENTS_AT_ONCE_MAX = 50;
/** After a run's end few events of it follow: locks are released, dead letters are dealt with. */
const NEWEST_READ_MAX = 200;

/**
 * Returns the events for an agent since the cursor. A run or a task that has ended answers with its end, whatever was read before:
 * nothing more comes of it. A query.
 */
export function* pollWatch(ctx: EngineContext, watch: Watch): Tx<Seen> {
  const seen = yield* readSince(ctx, watch);
  if (seen.events.length > 0 || watch.run === undefined) return seen;
  if (watch.task !== undefined) {
    const { task } = yield* requireTask(watch.task);
    const ended = ENDED.has(task.status) ? yield* newestEventOfTask(task, TYPES.task_ended) : undefined;
    return ended === undefined ? seen : { ...seen, events: [ended] };
  }
  const { endedAt } = yield* requireRun(watch.run);
  if (endedAt === null) return seen;
  const { events } = yield* newestEventsOf(watch.run, NEWEST_READ_MAX);
  const end = events.findLast(({ type }) => type === "run.finished");
  return end === undefined ? seen : { ...seen, events: [end] };
}

function* readSince(ctx: EngineContext, watch: Watch): Tx<Seen> {
  const types = watch.kinds.flatMap((kind) => TYPES[kind]);
  let cursor = watch.cursor;
  for (;;) {
    const page = yield* readEvents({
      after: cursor,
      filters: {
        types,
        run: watch.run,
        task: watch.task,
        // A message to the agent itself may come from another project.
        project: watch.run === undefined && !watch.kinds.includes("message") ? watch.project : undefined,
      },
      limit: EVENTS_AT_ONCE_MAX,
    });
    cursor = page.cursor;
    const concerning: StoredEvent[] = [];
    for (const event of page.events) if (yield* concerns(event, watch)) concerning.push(event);
    const events = yield* withoutPastLocks(ctx, watch, concerning);
    if (events.length > 0 || !page.more) return { events, cursor };
  }
}

// A lock concerns the agent that gets it, a message its addressees; the other events concern every watcher of their project.
function* concerns(event: StoredEvent, watch: Watch): Tx<boolean> {
  if (event.type === "message.sent") return yield* isAddressed(event, watch);
  // Decisions of a run that is named, and those that the agent asked for.
  const isAnswer = event.type === "escalation.decided" || event.type === "approval.decided";
  if (isAnswer && event.data["from"] === watch.agent) return true;
  if (watch.run === undefined && watch.kinds.includes("decision") && DECISIONS.has(event.type)) return false;
  if (watch.run === undefined && watch.project !== undefined && event.project !== watch.project) return false;
  return !isOfLock(event) || event.agent === watch.agent;
}

function isOfLock({ type }: StoredEvent): boolean {
  return type.startsWith("lock.");
}

/** Leaves out grants and offers that are over, and grants that a call of acquire_file_lock or claim_task has answered with. */
function* withoutPastLocks(
  ctx: EngineContext,
  watch: Watch,
  events: readonly StoredEvent[],
): Tx<readonly StoredEvent[]> {
  const requests = new Set(events.filter(isOfLock).map(requestOf));
  if (requests.size === 0) return events;
  const locks = (yield* locksOfRequests(ctx.now, [...requests])).filter((lock) => !isStale(lock, ctx.now));
  return events.filter((event) => {
    if (!isOfLock(event)) return true;
    const now = locks.filter(({ request }) => request === requestOf(event));
    return event.type === "lock.offered" ? now.some(({ state }) => state === "offered") : isNews(event, watch, now);
  });
}

function requestOf({ data }: StoredEvent): string {
  return typeof data["request"] === "string" ? data["request"] : "";
}

// The call that waited in line renews what it got when it answers: a lock as the event has it was not told by that call. During a wait
// both calls are under way, and either may be the first to answer.
function isNews({ at, data }: StoredEvent, { openedAt }: Watch, locks: readonly Lock[]): boolean {
  if (data["from_queue"] !== true) return false;
  return locks.some(({ state, expiresAt }) => state === "held" && (at >= openedAt || expiresAt === data["expires_at"]));
}

/** Whether the agent waits in line for files of the project, or is offered them. A query. */
export function* waitsForFiles({ agent, project }: Watch): Tx<boolean> {
  return project !== undefined && (yield* requestsOfAgents(project, [agent])).length > 0;
}

function* isAddressed({ agent, project, data }: StoredEvent, watch: Watch): Tx<boolean> {
  if (agent === watch.agent) return false;
  const address = addressOf(parseAddressee(String(data["to"])), project ?? "");
  if (!address.startsWith("task:")) return watch.addresses.includes(address);
  return (yield* findTask(address.slice("task:".length)))?.agent === watch.agent;
}

/** Remembers how far an agent has read. After a wait for one task the events of all others are still news to it. */
export function* saveCursor({ agent, task }: Watch, cursor: string): Tx<void> {
  if (task === undefined) yield* setEventCursor(agent, cursor);
}
