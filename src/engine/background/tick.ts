import { dueRuns } from "../../store/child-runs/child-runs.js";
import { runsPastRetention } from "../../store/runs/retention.js";
import { lockRun } from "../../store/lock-order.js";
import { deleteRun } from "../../store/runs/runs.js";
import * as sessions from "../../store/presence/sessions.js";
import { dueTasks, nextDueAt } from "../../store/tasks/transitions.js";
import { runningTasksOfSession } from "../../store/tasks/tasks.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import { takeDueCheckpoints, takeWantedCheckpoints } from "../checkpoints/schedule.js";
import type { CheckpointHost } from "../checkpoints/checkpoints.js";
import { failUnstarted } from "../child-runs/child-runs.js";
import { Chores, isOfDatabase, type SetAside } from "./isolation.js";
import type { EngineContext } from "../context.js";
import { handleDueRun } from "../child-runs/reconcile.js";
import { handleDue, loseLease } from "./due-tasks.js";
import { BatonError } from "../../base/errors.js";
import { expireLocks, projectsWithLocksDue, releaseSessionLocks } from "../locks/expiry.js";
import { anyOldDeadLetter, dueDeadLetters, pruneDeadLetters, replayDue } from "../dead-letters/automatic-replay.js";
import { pruneTasks, runsToPrune } from "./retention.js";
import { anyOldRequest, forgetOldRequests } from "../idempotency.js";
import { anyOldSession, pruneSessions } from "../runs/work-sessions.js";

/** What the background work runs on: the same doors to the database as every operation. */
export type TickHost = CheckpointHost;

/** What only the process can see of the machine it runs on, and remembers from tick to tick. */
export interface LocalHost {
  readonly host: string;
  /** Whether the process of a session of this host still lives: its pid is there and started when the session says. */
  isAlive(session: sessions.Session): boolean;
  readonly aside: SetAside;
}

/** What a tick did, for the log. */
export interface TickReport {
  gone: number;
  leasesLost: number;
  due: number;
  locksExpired: number;
  requestsForgotten: number;
  deadLettersReplayed: number;
  deadLettersPruned: number;
  runsPruned: number;
  tasksPruned: number;
  sessionsPruned: number;
  checkpoints: number;
}

/**
 * What is due now, for a process that does no background work of its own: where only commands of a shell are used, nobody else does
 * it. A few reads where nothing is. Throws an `AggregateError` at the end for what could not be done.
 */
export async function catchUp(host: TickHost, machine: LocalHost): Promise<void> {
  const { chores, open } = await begin(host, machine);
  await chores.once("sessions", () => markGoneSessions(host, machine, open));
  await chores.once("leases", () => reapSessions(host, chores, false));
  await handleDueTasks(host, chores);
  await handleDueRuns(host, chores);
  await replayDueDeadLetters(host, chores);
  await expireDueLocks(host, chores);
  chores.end();
}

/** Milliseconds until the next timer, retry or timeout of a task that nobody holds. One that is overdue has been set aside. */
export function* nextDueIn(ctx: EngineContext): Tx<number> {
  return ((yield* nextDueAt(ctx.now)) ?? Number.POSITIVE_INFINITY) - ctx.now;
}

const AT_ONCE_MAX = 100;
const RUNS_PRUNED_AT_ONCE_MAX = 5;

/**
 * All background work once. Safe to run in every process at once: each part reads the indexed minimum of what is due and writes only if
 * something is, each task in its own short transaction, in the one lock order. Throws an `AggregateError` at the end for what could
 * not be done; see `Chores`.
 */
export async function tick(host: TickHost, machine: LocalHost): Promise<TickReport> {
  const { chores, open } = await begin(host, machine);
  let tidying = false;
  await chores.once("host clock", async () => Number((tidying = await moveHostClock(host, machine.host))));
  const report = {
    gone: await chores.once("sessions", () => markGoneSessions(host, machine, open)),
    leasesLost: await chores.once("leases", () => reapSessions(host, chores, tidying)),
    due: (await handleDueTasks(host, chores)) + (await handleDueRuns(host, chores)),
    locksExpired: await expireDueLocks(host, chores),
    requestsForgotten: await chores.once("requests", async () =>
      (await host.read(anyOldRequest)) ? host.transact(forgetOldRequests) : 0,
    ),
    deadLettersReplayed: await replayDueDeadLetters(host, chores),
    deadLettersPruned: await chores.once("dead letters", async () =>
      (await host.read(anyOldDeadLetter)) ? host.transact(pruneDeadLetters) : 0,
    ),
    runsPruned: await pruneOldRuns(host, chores),
    tasksPruned: tidying ? await chores.once("tidying", () => tidy(host, chores)) : 0,
    sessionsPruned: tidying ? await chores.once("old sessions", () => pruneOldSessions(host)) : 0,
    checkpoints:
      (await chores.once("checkpoints", () => takeWantedCheckpoints(host))) +
      (tidying ? await chores.once("checkpoints", () => takeDueCheckpoints(host)) : 0),
  };
  chores.end();
  return report;
}

// Often enough to notice a gap, seldom enough to cost nothing.
const CLOCK_STEP_MS = 5_000;

/**
 * One row per host; a gap of the whole host means that the machine slept, and its sessions get time to renew. True for the one
 * process of the host that moved it.
 */
async function moveHostClock(host: TickHost, name: string): Promise<boolean> {
  const due = await host.read(function* (ctx) {
    const clock = yield* sessions.findHostClock(name);
    return clock === undefined || ctx.now - clock.tickedAt >= Math.min(CLOCK_STEP_MS, ctx.settings.sleep_gap_ms);
  });
  if (!due) return false;
  return host.transact(function* (ctx) {
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

/** With what a tick begins: its chores, and the sessions of this host. */
async function begin(host: TickHost, machine: LocalHost): Promise<{ chores: Chores; open: sessions.Session[] }> {
  const { now, open } = await host.read(function* (ctx) {
    return { now: ctx.now, open: yield* sessions.openSessionsOf(machine.host) };
  });
  return { chores: new Chores(machine.aside, now), open };
}

async function markGoneSessions(
  host: TickHost,
  machine: LocalHost,
  open: readonly sessions.Session[],
): Promise<number> {
  const gone = open.filter((session) => !machine.isAlive(session)).map(({ id }) => id);
  if (gone.length === 0) return 0;
  const marked = await host.transact((ctx) =>
    sessions.markGone(gone, ctx.now, ctx.now + ctx.settings.session_grace_ms),
  );
  return marked.length;
}

async function reapSessions(host: TickHost, chores: Chores, tidying: boolean): Promise<number> {
  const limit = AT_ONCE_MAX + chores.setAside("session");
  const expired = await host.read((ctx) => sessions.expiredSessions(ctx.now, limit));
  const reaped = await chores.each("session", expired, async (session) => {
    const { over, more } = await loseLeasesOf(host, chores, session);
    if (!more) await host.transact((ctx) => closeSession(ctx, session));
    return over;
  });
  const ended = tidying ? await host.read(sessions.endedWithWork) : [];
  const left = await chores.each("session", ended, async (session) => {
    const { over } = await loseLeasesOf(host, chores, session);
    await host.transact((ctx) => releaseSessionLocks(ctx, session));
    return over;
  });
  return reaped.sum + left.sum;
}

async function loseLeasesOf(host: TickHost, chores: Chores, session: string): Promise<{ over: number; more: boolean }> {
  const limit = AT_ONCE_MAX + chores.setAside("lease of");
  const tasks = await host.read(() => runningTasksOfSession(session, limit));
  const { sum } = await chores.each(
    "lease of",
    tasks.map(({ id }) => id),
    async (task) => Number(await host.transact((ctx) => loseLease(ctx, { task, session }))),
  );
  return { over: sum, more: tasks.length === limit };
}

function* closeSession(ctx: EngineContext, id: string): Tx<void> {
  const session = yield* sessions.findSession(id);
  // It may have come back, or still hold a task that was adopted meanwhile.
  if (!session || session.endedAt !== null || session.expiresAt > ctx.now) return;
  if ((yield* runningTasksOfSession(id, 1)).length > 0) return;
  yield* releaseSessionLocks(ctx, id);
  if (!(yield* sessions.endExpiredSession(id, ctx.now))) throw new RestartTransaction(`session ${id} was renewed`);
}

/** In one tick: what comes due beyond that waits for the next. */
const ROUNDS_MAX = 20;

async function handleDueTasks(host: TickHost, chores: Chores): Promise<number> {
  let handled = 0;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const limit = AT_ONCE_MAX + chores.setAside("task");
    const due = await host.read((ctx) => dueTasks(ctx.now, limit));
    // One that is looked after may let the next one begin.
    const { tried, sum } = await chores.each("task", due, (task) => handleDueTask(host, task));
    handled += sum;
    if (tried === 0) break;
  }
  return handled;
}

async function handleDueTask(host: TickHost, task: string): Promise<number> {
  try {
    await host.transact((ctx) => handleDue(ctx, task));
  } catch (error) {
    // What keeps a child run from starting ends the task that was to wait for it, and nothing else.
    if (!(error instanceof BatonError) || isOfDatabase(error)) throw error;
    await host.transact((ctx) => failUnstarted(ctx, task, error));
  }
  return 1;
}

/** One that is looked after may let those within it be looked at next. */
async function handleDueRuns(host: TickHost, chores: Chores): Promise<number> {
  let handled = 0;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const limit = AT_ONCE_MAX + chores.setAside("run");
    const due = await host.read((ctx) => dueRuns(ctx.now, limit));
    const { tried, sum } = await chores.each("run", due, async (run) => {
      await host.transact((ctx) => handleDueRun(ctx, run));
      return 1;
    });
    handled += sum;
    if (tried === 0) break;
  }
  return handled;
}

async function replayDueDeadLetters(host: TickHost, chores: Chores): Promise<number> {
  const limit = AT_ONCE_MAX + chores.setAside("dead letter");
  const due = await host.read((ctx) => dueDeadLetters(ctx, limit));
  return (
    await chores.each("dead letter", due, async (deadLetter) =>
      Number(await host.transact((ctx) => replayDue(ctx, deadLetter))),
    )
  ).sum;
}

async function expireDueLocks(host: TickHost, chores: Chores): Promise<number> {
  const limit = AT_ONCE_MAX + chores.setAside("locks of");
  const projects = await host.read((ctx) => projectsWithLocksDue(ctx, limit));
  return (
    await chores.each("locks of", projects, (project) => host.transact((ctx) => expireLocks(ctx, project, AT_ONCE_MAX)))
  ).sum;
}

/** What nobody needs any more and no index tells of: once in a while, by one process of the host. */
async function tidy(host: TickHost, chores: Chores): Promise<number> {
  await chores.once("ended sessions", async () => {
    await host.transact((ctx) => sessions.deleteEndedSessions(ctx.now - ctx.settings.retention_ms));
    return 0;
  });
  const standing = await host.read(runsToPrune);
  return (await chores.each("old tasks of", standing, (run) => host.transact((ctx) => pruneTasks(ctx, run)))).sum;
}

/** Removes all dead letters that have been closed for longer than they are kept; how many. */
export async function pruneAllDeadLetters(host: TickHost): Promise<number> {
  let removed = 0;
  while (await host.read(anyOldDeadLetter)) removed += await host.transact(pruneDeadLetters);
  return removed;
}

async function pruneOldSessions(host: TickHost): Promise<number> {
  return (await host.read(anyOldSession)) ? host.transact(pruneSessions) : 0;
}

/** Removes all sessions that ended longer ago than runs are kept; how many. */
export async function pruneAllSessions(host: TickHost): Promise<number> {
  let removed = 0;
  while (await host.read(anyOldSession)) removed += await host.transact(pruneSessions);
  return removed;
}

/** Removes runs that ended longer ago than the retention, with all that belongs to them; a few at a time. */
export async function pruneRuns(host: TickHost, atOnce: number): Promise<number> {
  let removed = 0;
  for (const run of await host.read((ctx) => oldRuns(ctx, atOnce)))
    removed += await host.transact((ctx) => pruneRun(ctx, run));
  return removed;
}

async function pruneOldRuns(host: TickHost, chores: Chores): Promise<number> {
  const limit = RUNS_PRUNED_AT_ONCE_MAX + chores.setAside("old run");
  const old = await host.read((ctx) => oldRuns(ctx, limit));
  return (await chores.each("old run", old, (run) => host.transact((ctx) => pruneRun(ctx, run)))).sum;
}

function* oldRuns(ctx: EngineContext, limit: number): Tx<string[]> {
  const { now } = ctx;
  return (yield* runsPastRetention({ now, defaultMs: ctx.settings.retention_ms, limit })).map(({ id }) => id);
}

/** Between the look and this the run may have been opened again, or removed by another process. */
function* pruneRun(ctx: EngineContext, id: string): Tx<number> {
  const run = yield* lockRun(id);
  if (!run || run.endedAt === null) return 0;
  yield* deleteRun(ctx, run);
  return 1;
}
