import { ROWS_AT_ONCE_MAX } from "../../base/limits.js";
import { dueRuns } from "../../store/child-runs/child-runs.js";
import { dueDeadLetters } from "../../store/dead-letters/dead-letters.js";
import * as sessions from "../../store/presence/sessions.js";
import { dueTasks, nextDueAt } from "../../store/tasks/transitions.js";
import { runningTasksOfSession } from "../../store/tasks/tasks.js";
import { together, type Tx } from "../../store/tx.js";
import { takeDueCheckpoints, takeRequestedCheckpoints } from "../checkpoints/schedule.js";
import { failUnstarted, prepareChild } from "../child-runs/child-runs.js";
import { IsolatedJobs, isOfDatabase, type Quarantine } from "./isolation.js";
import { type EngineContext, SERVER } from "../context.js";
import { type Engine, prepared } from "../engine.js";
import { handleDueRun } from "../child-runs/reconcile.js";
import {
  anyWantOver,
  changeSilence,
  fallSilent,
  forgetWants,
  silenceSteps,
  takeLocks,
  takeTask,
  unheardNow,
} from "../presence/silence.js";
import { type SampleMark, takeSample } from "../metrics/sampling.js";
import type { GitQuestions } from "../conflicts/git/questions.js";
import { handleDueConflicts } from "./conflicts.js";
import { handleDue } from "./due-tasks.js";
import { expireLeaseOfSession, expireSession } from "../presence/lease-expiry.js";
import { BatonError } from "../../base/errors.js";
import { expireLocks, projectsWithLocksDue, releaseSessionLocks } from "../locks/expiry.js";
import { anyOldDeadLetter, pruneDeadLetters, replayDue } from "../dead-letters/automatic-replay.js";
import { pruneOldMessages, pruneOldRuns, pruneOldSessions, pruneOldWindows, tidy } from "./retention.js";
import { type ContentSweep, sweepContents } from "./contents.js";
import { dueAllocationIds, expireAllocation } from "../resources/allocations.js";
import { dueOffers, lapseHandoff } from "../handoffs/handoffs.js";
import { dueMeetingIds, lapseMeeting } from "../meetings/meetings.js";
import { dueEscalations } from "../../store/escalations/escalations.js";
import { lapseEscalation } from "../escalations/deciding.js";
import { budgetsToAsk } from "../../store/cost/budgets.js";
import { askOverride } from "../escalations/overrides.js";
import { startableRuns, startQueued } from "../runs/queue.js";
import { startScheduled } from "./schedules.js";
import { anyOldRequest, forgetOldRequests } from "../idempotency.js";

/** State of this host that only its processes can see, and failures that this process remembers from tick to tick. */
export interface LocalHost {
  readonly host: string;
  /** Of this process, in ms since the epoch. */
  readonly startedAt: number;
  /** Whether the process of a session on this host lives: its pid exists and has the recorded start time. */
  isAlive(session: sessions.Session): boolean;
  readonly quarantine: Quarantine;
  /** Contents of artifacts beside the database; undefined where there are none. */
  readonly contents?: ContentSweep;
  /** When this process has sampled; absent where nothing is. */
  readonly sampled?: SampleMark;
  /** Asks git about work trees on this host; absent where nothing is asked. */
  readonly git?: GitQuestions;
}

/**
 * Handles work that is due now: for a claim, and for a process without a background loop, as where only CLI calls are made.
 * Costs a few reads if nothing is due. Throws an `AggregateError` at the end for jobs that failed.
 */
export async function catchUp(engine: Engine, local: LocalHost): Promise<void> {
  const { jobs, open, mayHaveSlept } = await begin(engine, local);
  await jobs.once("sessions", () => markGoneSessions(engine, local, open));
  if (!mayHaveSlept) {
    await jobs.once("leases", () => reapSessions(engine, jobs, false));
    await handleDueTasks(engine, jobs);
    await expireDueLocks(engine, jobs);
    await expireAllocations(engine, jobs);
    await handleSilence(engine, jobs);
  }
  await handleDueRuns(engine, jobs);
  await startScheduled(engine, jobs);
  await startQueuedRuns(engine, jobs);
  await replayDueDeadLetters(engine, jobs);
  await askOverrides(engine, jobs);
  jobs.end();
}

/** Whether `catchUp` would find something, as far as the database tells. A few reads of indexes. */
export function* isAnythingDue(ctx: EngineContext): Tx<boolean> {
  const found = yield* together([
    dueTasks(ctx.now, 1),
    sessions.expiredSessions(ctx.now, 1),
    projectsWithLocksDue(ctx, 1),
    dueRuns(ctx.now, 1),
    startableRuns(ctx, 1),
    unheardNow(ctx),
    silenceSteps(ctx),
  ]);
  return found.some(({ length }) => length > 0);
}

/** Milliseconds until the next timer, retry or timeout of a task without a holder. Overdue tasks are quarantined and not counted. */
export function* nextDueIn(ctx: EngineContext): Tx<number> {
  return ((yield* nextDueAt(ctx.now)) ?? Number.POSITIVE_INFINITY) - ctx.now;
}

/**
 * All background work once. Safe to run in every process at once: each part reads the indexed minimum of what is due and writes only if
 * something is, each task in its own short transaction, in the one lock order. Throws an `AggregateError` at the end for jobs that
 * failed; see `IsolatedJobs`.
 */
export async function tick(engine: Engine, local: LocalHost) {
  const { jobs, open, mayHaveSlept } = await begin(engine, local);
  const unlessAsleep = (job: () => Promise<number>): Promise<number> => (mayHaveSlept ? Promise.resolve(0) : job());
  let tidying = false;
  await jobs.once("host clock", async () => Number((tidying = await moveHostClock(engine, local.host))));
  const report = {
    gone: await jobs.once("sessions", () => markGoneSessions(engine, local, open)),
    leasesLost: await unlessAsleep(() => jobs.once("leases", () => reapSessions(engine, jobs, tidying))),
    due: (await unlessAsleep(() => handleDueTasks(engine, jobs))) + (await handleDueRuns(engine, jobs)),
    runsStarted: (await startScheduled(engine, jobs)) + (await startQueuedRuns(engine, jobs)),
    locksExpired: await unlessAsleep(() => expireDueLocks(engine, jobs)),
    allocationsExpired: await unlessAsleep(() => expireAllocations(engine, jobs)),
    silent: await unlessAsleep(() => handleSilence(engine, jobs)),
    requestsForgotten: await jobs.once("requests", async () =>
      (await engine.read(anyOldRequest)) ? engine.transact(forgetOldRequests) : 0,
    ),
    deadLettersReplayed: await replayDueDeadLetters(engine, jobs),
    deadLettersPruned: await jobs.once("dead letters", async () =>
      (await engine.read(anyOldDeadLetter)) ? engine.transact(pruneDeadLetters) : 0,
    ),
    meetingsClosed: await closeDueMeetings(engine, jobs),
    handoffsLapsed: await lapseDueHandoffs(engine, jobs),
    overridesAsked: await askOverrides(engine, jobs),
    conflictsHandled: tidying ? await handleDueConflicts(engine, jobs, local.git) : 0,
    escalationsLapsed: await lapseDueEscalations(engine, jobs),
    runsPruned: await pruneOldRuns(engine, jobs),
    sampled: tidying
      ? await jobs.once("sample", async () => (local.sampled ? takeSample(engine, local.sampled) : 0))
      : 0,
    contentsSwept: tidying ? await jobs.once("contents", () => sweepContents(engine, local.contents)) : 0,
    tasksPruned: tidying ? await jobs.once("tidying", () => tidy(engine, jobs)) : 0,
    messagesPruned: tidying ? await jobs.once("old messages", () => pruneOldMessages(engine)) : 0,
    windowsPruned: tidying ? await jobs.once("old context windows", () => pruneOldWindows(engine)) : 0,
    sessionsPruned: tidying ? await jobs.once("old sessions", () => pruneOldSessions(engine)) : 0,
    checkpoints:
      (await jobs.once("checkpoints", () => takeRequestedCheckpoints(engine))) +
      (tidying ? await jobs.once("checkpoints", () => takeDueCheckpoints(engine)) : 0),
  };
  jobs.end();
  return report;
}

// Short enough to notice a gap, long enough to cost nothing.
const CLOCK_STEP_MS = 5_000;

/**
 * One row per host; a gap of the whole host means that the machine slept, and its sessions get time to renew. True for the one
 * process of the host that moved it.
 */
async function moveHostClock(engine: Engine, name: string): Promise<boolean> {
  const due = await engine.read(function* (ctx) {
    const clock = yield* sessions.findHostClock(name);
    return clock === undefined || ctx.now - clock.tickedAt >= Math.min(CLOCK_STEP_MS, ctx.settings.sleep_gap_ms);
  });
  if (!due) return false;
  return engine.transact(function* (ctx) {
    const clock = yield* sessions.findHostClock(name);
    if (clock === undefined) {
      yield* sessions.insertHostClock(name, ctx.now);
      return true;
    }
    const slept = ctx.now - clock.tickedAt >= ctx.settings.sleep_gap_ms;
    const graceUntil = slept ? ctx.now + ctx.settings.sleep_gap_ms : clock.graceUntil;
    return yield* sessions.advanceHostClock(name, clock.tickedAt, { tickedAt: ctx.now, graceUntil });
  });
}

interface Beginning {
  readonly jobs: IsolatedJobs;
  /** The open sessions of this host. */
  readonly open: readonly sessions.Session[];
  /** The whole host was quiet before this process began, and another one has lived through it: that one tells whether it slept. */
  readonly mayHaveSlept: boolean;
}

async function begin(engine: Engine, local: LocalHost): Promise<Beginning> {
  const { now, open, quietSince } = await engine.read(function* (ctx) {
    const clock = yield* sessions.findHostClock(local.host);
    const isGap = clock !== undefined && ctx.now - clock.tickedAt >= ctx.settings.sleep_gap_ms;
    const found = yield* sessions.openSessionsOf(local.host);
    return { now: ctx.now, open: found, quietSince: isGap ? clock.tickedAt : null };
  });
  const mayHaveSlept =
    quietSince !== null &&
    local.startedAt > quietSince &&
    open.some((session) => session.openedAt <= quietSince && local.isAlive(session));
  return { jobs: new IsolatedJobs(local.quarantine, now), open, mayHaveSlept };
}

async function markGoneSessions(engine: Engine, local: LocalHost, open: readonly sessions.Session[]): Promise<number> {
  const gone = open.filter((session) => !local.isAlive(session)).map(({ id }) => id);
  if (gone.length === 0) return 0;
  const marked = await engine.transact((ctx) =>
    sessions.markGone(gone, ctx.now, ctx.now + ctx.settings.session_grace_ms),
  );
  return marked.length;
}

async function reapSessions(engine: Engine, jobs: IsolatedJobs, tidying: boolean): Promise<number> {
  const expired = (limit: number) => engine.read((ctx) => sessions.expiredSessions(ctx.now, limit));
  const reaped = await jobs.eachDue("session", { find: expired }, async (session) => {
    const { sum, full } = await expireLeasesOf(engine, jobs, session);
    if (!full) await engine.transact((ctx) => expireSession(ctx, session));
    return sum;
  });
  const ended = tidying ? await engine.read(sessions.endedWithWork) : [];
  const left = await jobs.each("session", ended, async (session) => {
    const { sum } = await expireLeasesOf(engine, jobs, session);
    await engine.transact((ctx) => releaseSessionLocks(ctx, session));
    return sum;
  });
  return reaped.sum + left.sum;
}

function expireLeasesOf(engine: Engine, jobs: IsolatedJobs, session: string) {
  const find = async (limit: number) =>
    (await engine.read(() => runningTasksOfSession(session, limit))).map(({ id }) => id);
  return jobs.eachDue("lease of", { find }, async (task) =>
    Number(await engine.transact((ctx) => expireLeaseOfSession(ctx, { task, session }))),
  );
}

/** Per tick; further due work waits for the next one. */
const ROUNDS_MAX = 20;

/** Handling a task or a run may make another one due. */
async function inRounds(round: () => Promise<{ tried: number; sum: number }>): Promise<number> {
  let handled = 0;
  for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
    const { tried, sum } = await round();
    handled += sum;
    if (tried === 0) break;
  }
  return handled;
}

function handleDueTasks(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const ofWorkflows = new Set<string>();
  const find = async (limit: number) => {
    const due = await engine.read((ctx) => dueTasks(ctx.now, limit));
    for (const { id, kind } of due) if (kind === "workflow") ofWorkflows.add(id);
    return due.map(({ id }) => id);
  };
  return inRounds(() => jobs.eachDue("task", { find }, (task) => handleDueTask(engine, task, ofWorkflows.has(task))));
}

async function handleDueTask(engine: Engine, task: string, ofWorkflow: boolean): Promise<number> {
  const before = ofWorkflow ? await prepared(engine, (ctx) => prepareChild(ctx, task)) : undefined;
  try {
    await engine.transact((ctx) => handleDue(ctx, task, before));
  } catch (error) {
    // An error that keeps a child run from starting fails only the task that would wait for it.
    if (!(error instanceof BatonError) || isOfDatabase(error)) throw error;
    await engine.transact((ctx) => failUnstarted(ctx, task, error));
  }
  return 1;
}

function handleDueRuns(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const find = (limit: number) => engine.read((ctx) => dueRuns(ctx.now, limit));
  const handle = async (run: string) => {
    await engine.transact((ctx) => handleDueRun(ctx, run));
    return 1;
  };
  return inRounds(() => jobs.eachDue("run", { find }, handle));
}

async function startQueuedRuns(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const find = (limit: number) => engine.read((ctx) => startableRuns(ctx, limit));
  let isFull = false;
  const start = async (id: string) => {
    // Each of the others would lock its project and the queue for nothing.
    if (isFull) return 0;
    const started = Number(await engine.transact((ctx) => startQueued(ctx, id)));
    isFull = (await find(1)).length === 0;
    return started;
  };
  return (await jobs.eachDue("start of", { find }, start)).sum;
}

async function replayDueDeadLetters(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const find = (limit: number) => engine.read((ctx) => dueDeadLetters(ctx.now, limit));
  const replay = async (id: string) => Number(await engine.transact((ctx) => replayDue(ctx, id)));
  return (await jobs.eachDue("dead letter", { find }, replay)).sum;
}

async function lapseDueHandoffs(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const find = (limit: number) => engine.read((ctx) => dueOffers(ctx, limit));
  return (await jobs.eachDue("handoff", { find }, (id) => engine.transact((ctx) => lapseHandoff(ctx, id)))).sum;
}

async function closeDueMeetings(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const find = (limit: number) => engine.read((ctx) => dueMeetingIds(ctx, limit));
  return (await jobs.eachDue("meeting", { find }, (id) => engine.transact((ctx) => lapseMeeting(ctx, id)))).sum;
}

async function askOverrides(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const find = (limit: number) => engine.read(() => budgetsToAsk(SERVER, limit));
  return (await jobs.eachDue("budget", { find }, (id) => engine.transact((ctx) => askOverride(ctx, id)))).sum;
}

async function lapseDueEscalations(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const find = (limit: number) => engine.read((ctx) => dueEscalations(ctx.now, limit));
  return (await jobs.eachDue("escalation", { find }, (id) => engine.transact((ctx) => lapseEscalation(ctx, id)))).sum;
}

/** Begins silences that are due, and gives what silent agents hold to those that want it. */
async function handleSilence(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const due = await engine.read(unheardNow);
  const begun = await jobs.each("silence of", due, async (agent) => {
    await engine.transact((ctx) => fallSilent(ctx, agent));
    return 1;
  });
  const steps = new Map((await engine.read(silenceSteps)).map((step) => [step.agent, step]));
  const changed = await jobs.each("silent", [...steps.keys()], async (agent) => {
    const step = steps.get(agent);
    if (!step) return 0;
    if (step.event !== undefined) await engine.transact((ctx) => changeSilence(ctx, step));
    for (const { by, ...what } of step.taken) {
      if ("task" in what) await engine.transact((ctx) => takeTask(ctx, { agent, by, task: what.task }));
      else await engine.transact((ctx) => takeLocks(ctx, { agent, by, locks: what.locks }));
    }
    return 1;
  });
  if (await engine.read(anyWantOver)) await engine.transact(forgetWants);
  return begun.sum + changed.sum;
}

async function expireDueLocks(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const find = (limit: number) => engine.read((ctx) => projectsWithLocksDue(ctx, limit));
  const expire = (project: string) => engine.transact((ctx) => expireLocks(ctx, project, ROWS_AT_ONCE_MAX));
  return (await jobs.eachDue("locks of", { find }, expire)).sum;
}

async function expireAllocations(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const find = (limit: number) => engine.read((ctx) => dueAllocationIds(ctx, limit));
  return (await jobs.eachDue("allocation", { find }, (id) => engine.transact((ctx) => expireAllocation(ctx, id)))).sum;
}
