import { approvalsAbout } from "../../store/approvals/approvals.js";
import { listArtifacts } from "../../store/artifacts/artifacts.js";
import { listHandoffs } from "../../store/channels/handoffs.js";
import { listMeetings } from "../../store/channels/meetings.js";
import { messagesAbout, messagesAboutTasks } from "../../store/channels/messages.js";
import { childrenOf } from "../../store/child-runs/child-runs.js";
import { listDeadLetters } from "../../store/dead-letters/dead-letters.js";
import { escalationsAbout } from "../../store/escalations/escalations.js";
import { newestOfTypes } from "../../store/events/history.js";
import { listLocks } from "../../store/locks/lists.js";
import { locksOfTask } from "../../store/locks/locks.js";
import { reviewsAbout } from "../../store/reviews/reviews.js";
import { type Counters, findCounters } from "../../store/runs/counters.js";
import { findRuns } from "../../store/runs/runs.js";
import { attemptsOfTasks } from "../../store/tasks/attempts.js";
import { edgesTo } from "../../store/tasks/dependencies.js";
import { findTasks, holdUpsOf, lastPending, listTasks, tasksInState } from "../../store/tasks/lists.js";
import { specsOf } from "../../store/tasks/revisions.js";
import type { Task, TaskAndSpec } from "../../store/tasks/tasks.js";
import { dependenciesOf, dependentsOf } from "../../store/tasks/transitions.js";
import { nothing, together, type Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { requireRun, requireTask } from "../lookup.js";

/** Rows of a kind that a brief is made of: the newest ones. A run of any size is so read in bounded time. */
const ROWS_MAX = 60;
/** Tasks of a run that are looked at one by one; of a larger run, those that are open or have ended last. */
const TASKS_MAX = 128;
const IN_STATE_MAX = 20;
const EVENTS_MAX = 300;
/** Characters of a result that are read. */
const RESULT_CHARS = 1_200;

/** Events whose facts stand in no row, or in none that lasts: locks, decisions, and what was changed in a plan. */
const TOLD = [
  "lock.granted",
  "lock.broken",
  "lock.denied",
  "task.decided",
  "task.deferred",
  "task.escalated",
  "task.cancelled",
  "task.replayed",
  "task.discarded",
  "task.superseded",
  "task.reservation_lapsed",
  "run.modified",
  "run.paused",
  "run.resumed",
  "run.stopping",
  "run.cancelling",
  "run.compensating",
  "run.reopened",
  "run.forked",
  "run.resumed_from_checkpoint",
  "run.signalled",
  "run.budget_blocked",
] as const;
const ENDED = ["task.succeeded", "task.skipped"] as const;

/** One of the two is named. */
export interface BriefSubject {
  readonly task?: string | undefined;
  readonly run?: string | undefined;
}

/** Reads the facts of a brief. A query. Errors: `not_found`. */
export function* readFacts(ctx: EngineContext, subject: BriefSubject) {
  const about = subject.task === undefined ? undefined : yield* requireTask(subject.task);
  const run = yield* requireRun(about?.task.run ?? subject.run ?? "");
  const counters = yield* findCounters(run.id);
  const around = about === undefined ? NO_NEIGHBOURS : yield* neighboursOf(about);
  const { tasks, needed } =
    about === undefined ? yield* planOf(run.id, counters) : { tasks: [about.task], needed: new Set<string>() };
  const ids = tasks.map(({ id }) => id);
  const before = around.before.map(({ id }) => id);
  const [own, earlier] = yield* together([
    recordsAbout({ run: run.id, task: about?.task.id, limit: ROWS_MAX }),
    about === undefined ? nothing() : recordsBefore(run.id, before),
  ]);
  const records = earlier === undefined ? own : withEarlier(own, earlier);
  const [attempts, specs, children, locks] = yield* together([
    attemptsOfTasks([...ids, ...before, ...around.holdUps.map(({ id }) => id)], RESULT_CHARS),
    specsOf([...ids, ...before]),
    childrenOf(run.id),
    about === undefined
      ? listLocks(ctx.now, { project: run.project, run: run.id, limit: ROWS_MAX })
      : locksOfTask(about.task.id),
  ]);
  return {
    now: ctx.now,
    run,
    counters,
    about,
    tasks,
    /** Ids of tasks that open tasks build on. */
    needed,
    ...around,
    /** Tasks by id, those beside the one that a brief is about too. */
    byId: new Map([...around.holdUps, ...tasks, ...around.before, ...around.after].map((task) => [task.id, task])),
    ...records,
    attempts,
    specs,
    children: children.length === 0 ? [] : yield* findRuns(children.slice(-ROWS_MAX)),
    locks: locks.filter(({ state }) => state === "held"),
  };
}

/** Reads what was said, decided and put about a run or one of its tasks. */
function* recordsAbout(where: { run: string; task: string | undefined; limit: number }) {
  const [messages, escalations, handoffs, meetings, artifacts, deadLetters, events, reviews, approvals] =
    yield* together([
      messagesAbout(where),
      escalationsAbout(where),
      listHandoffs(where),
      listMeetings(where),
      listArtifacts(where),
      listDeadLetters(where),
      newestOfTypes({ ...where, types: TOLD, limit: EVENTS_MAX }),
      reviewsAbout(where),
      approvalsAbout(where),
    ]);
  return {
    messages: messages.toReversed(),
    escalations: escalations.toReversed(),
    handoffs: handoffs.toReversed(),
    meetings: meetings.toReversed(),
    artifacts: artifacts.toReversed(),
    deadLetters: deadLetters.toReversed(),
    events: events.toReversed(),
    reviews: reviews.toReversed(),
    approvals: approvals.toReversed(),
  };
}

/** Reads what was said, decided and put about the tasks that one builds on, or about the run as a whole. */
function* recordsBefore(run: string, tasks: readonly string[]) {
  const [messages, escalations, meetings, artifacts] = yield* together([
    messagesAboutTasks(tasks, ROWS_MAX),
    escalationsAbout({ run, limit: ROWS_MAX }),
    listMeetings({ run, limit: ROWS_MAX }),
    listArtifacts({ run, limit: ROWS_MAX }),
  ]);
  const ids = new Set<string | null>([...tasks, null]);
  const isBefore = ({ task }: { readonly task: string | null }): boolean => ids.has(task);
  const replied = new Set(messages.map(({ replyTo }) => replyTo));
  return {
    // A question without an answer is an open end of that task, not of this one.
    messages: messages.filter(({ type, id }) => type !== "question" || replied.has(id)).toReversed(),
    escalations: escalations.filter(isBefore).toReversed(),
    meetings: meetings.filter(isBefore).toReversed(),
    artifacts: artifacts.filter(isBefore).toReversed(),
  };
}

function withEarlier(own: Read<ReturnType<typeof recordsAbout>>, earlier: Read<ReturnType<typeof recordsBefore>>) {
  return {
    ...own,
    messages: [...earlier.messages, ...own.messages],
    escalations: [...earlier.escalations, ...own.escalations],
    meetings: [...earlier.meetings, ...own.meetings],
    artifacts: [...earlier.artifacts, ...own.artifacts],
  };
}

type Read<G> = G extends Generator<unknown, infer R, never> ? R : never;
/** The facts that are recorded about a task or a run. What is recorded of tasks before the one it is about stands first; each part begins with the oldest. */
export type BriefFacts = Read<ReturnType<typeof readFacts>>;

interface Neighbours {
  readonly before: readonly Task[];
  readonly after: readonly Task[];
  /** Tasks that hold up those before it. */
  readonly holdUps: readonly Task[];
}
const NO_NEIGHBOURS: Neighbours = { before: [], after: [], holdUps: [] };

function* neighboursOf({ task }: TaskAndSpec): Tx<Neighbours> {
  const [before = [], after = []] = yield* together([
    task.depsTotal === 0 ? nothing() : dependenciesOf(task.id),
    task.dependents === 0 ? nothing() : dependentsOf(task.id),
  ]);
  const shown = before.slice(0, ROWS_MAX);
  const held = shown.filter(({ status }) => status === "pending" || status === "blocked").map(({ id }) => id);
  const holdUps = held.length === 0 ? [] : yield* holdUpsOf(held, IN_STATE_MAX);
  return { before: shown, after: after.slice(0, ROWS_MAX), holdUps: holdUps.slice(0, IN_STATE_MAX) };
}

interface Plan {
  readonly tasks: readonly Task[];
  readonly needed: ReadonlySet<string>;
}

/** Returns the tasks of a run that a brief names, all of a small one, and which of them open tasks build on. */
function* planOf(run: string, { total, pending: waiting }: Counters): Tx<Plan> {
  const isSmall = total <= TASKS_MAX;
  const first = isSmall
    ? yield* listTasks({ run, limit: TASKS_MAX })
    : yield* tasksOfLargeRun(run, waiting === 0 ? nothing() : lastPending(run, IN_STATE_MAX));
  const edges = yield* edgesTo(first.filter(({ endedAt }) => endedAt === null).map(({ id }) => id));
  const times = new Map<string, number>();
  for (const [dependency] of edges) times.set(dependency, (times.get(dependency) ?? 0) + 1);
  const needed = new Set(times.keys());
  if (isSmall) return { tasks: first, needed };
  const known = new Set(first.map(({ id }) => id));
  const more = [...times].filter(([id]) => !known.has(id)).toSorted(([, a], [, b]) => b - a);
  return { tasks: [...first, ...(yield* findTasks(more.slice(0, IN_STATE_MAX).map(([id]) => id)))], needed };
}

function* tasksOfLargeRun(run: string, lastOnes: Tx<Task[] | undefined>): Tx<Task[]> {
  const [running, dead, blocked, waiting, inReview, ready, pending = [], ended] = yield* together([
    tasksInState(run, "running", IN_STATE_MAX),
    tasksInState(run, "dead_letter", IN_STATE_MAX),
    tasksInState(run, "blocked", IN_STATE_MAX),
    tasksInState(run, "waiting", IN_STATE_MAX),
    tasksInState(run, "in_review", IN_STATE_MAX),
    tasksInState(run, "ready", IN_STATE_MAX),
    lastOnes,
    newestOfTypes({ run, types: ENDED, limit: IN_STATE_MAX * 2 }),
  ]);
  const open = [...running, ...dead, ...blocked, ...waiting, ...inReview, ...ready, ...pending];
  const known = new Set(open.map(({ id }) => id));
  const more = [...new Set(ended.flatMap(({ task }) => task ?? []))].filter((id) => !known.has(id));
  return [...open, ...(yield* findTasks(more))];
}
