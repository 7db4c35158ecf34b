import { idOfCursor, type Page, type PageQuery, pageOf } from "../../base/lists/paging.js";
import { startThatFits } from "../../base/texts/shown-text.js";
import { attemptsOf, lastAgents } from "../../store/tasks/attempts.js";
import { readEvents, type StoredEvent } from "../../store/events/history.js";
import { reviewsOf } from "../../store/reviews/reviews.js";
import { dependenciesOf } from "../../store/tasks/transitions.js";
import { BatonError } from "../../base/errors.js";
import { listReadyTasks, listTasks, placeInOrder, type TaskFilter } from "../../store/tasks/lists.js";
import type * as tasks from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { findAgent } from "../../store/agents/agents.js";
import { findSession } from "../../store/presence/sessions.js";
import { isSilent } from "../agents/presence.js";
import type { EngineContext } from "../context.js";
import { type LeaseTerms, leaseTerms } from "../lifecycle/leases.js";
import { taskType } from "../steps/task-type.js";
import { requireTask } from "../lookup.js";
import { attemptView, taskLine, taskView, type TaskLine } from "./views.js";
import type { Task } from "../../store/tasks/tasks.js";

/** Texts of a task that can be longer than an answer, and are read in parts. */
export const PARTS = ["result", "prompt"] as const;

/** Bytes of a part, and of a prompt in a brief: with the rest of an answer within what clients take (24,000 tokens). */
export const PART_BYTES_MAX = 32_000;

/** A part of a task's result, as JSON where it is no text, or of its prompt. Errors: `not_found`. */
export function* findTaskPart(reference: string, { of, offset }: { of: (typeof PARTS)[number]; offset: number }) {
  const { task, spec } = yield* requireTask(reference);
  const value =
    of === "prompt" ? spec.prompt : (yield* attemptsOf(task.id)).findLast(({ result }) => result !== null)?.result;
  const whole = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
  const text = startThatFits(whole.slice(offset), PART_BYTES_MAX);
  const next = offset + text.length;
  return { task, part: { of, offset, text, total: whole.length, ...(next < whole.length && { next_offset: next }) } };
}

export interface DetailWanted {
  readonly attempts: boolean;
  readonly events: boolean;
  readonly result: boolean;
  readonly routing: boolean;
}

const EVENTS_SHOWN_MAX = 200;

/** One task, and as much of its history as is wanted. Errors: `not_found`. */
export function* findTaskDetail(ctx: EngineContext, reference: string, wanted: DetailWanted) {
  const found = yield* requireTask(reference);
  const held = found.task.status === "running" ? yield* leaseOf(ctx, found.task) : {};
  const [task = found.task] = yield* withTheirAgents([found.task]);
  const attempts = wanted.attempts || wanted.result ? yield* attemptsOf(found.task.id) : [];
  // The newest that gave anything: the result of a success, or what a failure left for the next try.
  const result = attempts.findLast((attempt) => attempt.result !== null)?.result;
  return {
    ...found,
    task,
    ...held,
    reviews: found.task.attempt === 0 ? [] : yield* reviewsOf(found.task.id),
    ...(wanted.result ? { result: result ?? null } : {}),
    ...(wanted.attempts ? { attempts: attempts.map(attemptView) } : {}),
    ...(wanted.events ? { events: yield* eventsOf(found.task) } : {}),
    ...(wanted.routing ? { routing: (yield* eventsOf(found.task, ["task.routed"])).at(-1) } : {}),
  };
}

/** The lease of a running task as it is recorded, and since when its holder is silent, if it is. */
function* leaseOf(ctx: EngineContext, task: Task): Tx<{ lease?: LeaseTerms; silentSince?: number | undefined }> {
  const agent = yield* findAgent(task.agent ?? "");
  const session = task.session === null ? undefined : yield* findSession(task.session);
  const { heardAt = null } = agent ?? {};
  const silentAt = agent?.presence === "exempt" || heardAt === null ? null : heardAt + ctx.settings.silence_ms;
  const terms = leaseTerms(ctx, { session: task.session, expiresAt: task.leaseExpiresAt ?? ctx.now });
  const lease = { ...terms, silentAt, expiresAt: session?.expiresAt ?? terms.expiresAt };
  return { lease, silentSince: agent && isSilent(agent) ? agent.seenAt : undefined };
}

function* eventsOf(task: tasks.Task, types?: readonly string[]): Tx<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  let after: string | undefined;
  for (;;) {
    const page = yield* readEvents({
      after,
      filters: { run: task.run, task: task.id, types },
      limit: EVENTS_SHOWN_MAX,
    });
    events.push(...page.events);
    if (!page.more || events.length >= EVENTS_SHOWN_MAX) return events.slice(0, EVENTS_SHOWN_MAX);
    after = page.cursor;
  }
}

/** A task with everything about it and nothing cut: what a shortened brief points to. Errors: `not_found`. */
export function* findWholeTask(reference: string) {
  const { task, spec } = yield* requireTask(reference);
  const attempts = yield* attemptsOf(task.id);
  const given = attempts.findLast((attempt) => attempt.result !== null);
  return {
    task: taskView(task),
    spec: { ...spec, type: taskType(task, spec) },
    result: given?.result ?? null,
    // The others' are what failures left behind.
    attempts: attempts.map((attempt) => ({
      ...attemptView(attempt),
      ...(attempt === given || attempt.result === null ? {} : { partial_result: attempt.result }),
    })),
    depends_on: (yield* dependenciesOf(task.id)).map(taskLine),
  };
}

/** The task of a reference and those it depends on, by id: what changes them is seen in it. Errors: `not_found`. */
export function* taskAndDependencies(reference: string): Tx<string[]> {
  const { task } = yield* requireTask(reference);
  return [task.id, ...(yield* dependenciesOf(task.id)).map(({ id }) => id)];
}

export interface TaskListQuery extends Omit<TaskFilter, "after">, PageQuery {}

/** A page of tasks in order of creation. */
export function* listTaskPage(query: TaskListQuery): Tx<Page<tasks.Task>> {
  const { cursor, limit, ...filter } = query;
  const after = idOfCursor("task", cursor);
  const { page, next } = pageOf(yield* listTasks({ ...filter, after, limit: limit + 1 }), limit, ({ id }) => id);
  return { page: yield* withTheirAgents(page), next };
}

const PLACE = /^(?:-?\d+~){3}task_\w+$/;

/** A page of ready tasks in the order of claims. Errors: `invalid_input` for a cursor of another list. */
export function* listReadyPage(query: Omit<TaskListQuery, "status">): Tx<Page<tasks.Task>> {
  const { cursor: after, limit, ...filter } = query;
  if (after !== undefined && !PLACE.test(after)) {
    const message = "Invalid cursor: pass next_cursor of the previous page of ready tasks.";
    throw new BatonError("invalid_input", message, { details: { path: "cursor" } });
  }
  return pageOf(yield* listReadyTasks({ ...filter, after, limit: limit + 1 }), limit, placeInOrder);
}

/** Ended tasks with the agent that ended them, which their rows no longer name. */
export function* withTheirAgents(page: Task[]): Tx<Task[]> {
  const ended = page.filter((task) => task.endedAt !== null && task.agent === null && task.attempt > 0);
  if (ended.length === 0) return page;
  const agents = new Map((yield* lastAgents(ended.map(({ id }) => id))).map(({ task, agent }) => [task, agent]));
  return page.map((task) => ({ ...task, agent: task.agent ?? agents.get(task.id) ?? null }));
}

export interface TaskFailures {
  readonly task: TaskLine;
  readonly attempts: ReturnType<typeof attemptView>[];
}

/** Returns the failures of these tasks: every attempt with its error. */
export function* failuresOf(tasks: readonly Task[]): Tx<TaskFailures[]> {
  const failures: TaskFailures[] = [];
  for (const task of tasks) {
    failures.push({ task: taskLine(task), attempts: (yield* attemptsOf(task.id)).map(attemptView) });
  }
  return failures;
}
