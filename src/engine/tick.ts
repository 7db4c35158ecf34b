import { dueRuns, setRunDue } from "../store/child-runs.js";
import { runsPastRetention } from "../store/retention.js";
import { lockRun } from "../store/lock-order.js";
import { deleteRun, runOf } from "../store/runs.js";
import * as sessions from "../store/sessions.js";
import { dueTasks, nextDueAt } from "../store/task-changes.js";
import { runningTasksOfSession } from "../store/tasks.js";
import { RestartTransaction, type Tx } from "../store/tx.js";
import { takeDueCheckpoints, takeWantedCheckpoints } from "./checkpoint-turns.js";
import type { CheckpointHost } from "./checkpoints.js";
import { refuseChild } from "./child-runs.js";
import type { EngineContext } from "./context.js";
import { handleDueRun } from "./due-runs.js";
import { handleDue, loseLease } from "./due.js";
import { BatonError } from "./errors.js";
import { expireLocks, projectWithLocksDue, releaseSessionLocks } from "./lock-expiry.js";
import { anyOldLetter, dueLetters, pruneLetters, replayDue } from "./letter-upkeep.js";
import { pruneTasks, runsToPrune } from "./pruning.js";
import { anyOldRequest, forgetOldRequests } from "./requests.js";

/** What the background work runs on: the same doors to the database as every operation. */
export type TickHost = CheckpointHost;

/** What only the process can see of the machine it runs on. */
export interface Machine {
  readonly host: string;
  /** Whether the process of a session of this host still lives: its pid is there and started when the session says. */
  isAlive(session: sessions.Session): boolean;
}

/** What a tick did, for the log. */
export interface TickReport {
  gone: number;
  leasesLost: number;
  due: number;
  locksExpired: number;
  requestsForgotten: number;
  lettersReplayed: number;
  lettersPruned: number;
  runsPruned: number;
  tasksPruned: number;
  checkpoints: number;
}

/**
 * What is due now, for a process that does no background work of its own: where only commands of a shell are used, nobody else does
 * it. A few reads where nothing is.
 */
export async function catchUp(host: TickHost, machine: Machine): Promise<void> {
  await markGoneSessions(host, machine);
  await reapSessions(host, false);
  await handleDueTasks(host);
  await handleDueRuns(host);
  await replayDueLetters(host);
  await expireDueLocks(host);
}

/** Milliseconds until the next timer, retry or timeout of a task that nobody holds; below 0 for one that is overdue. */
export function* nextDueIn(ctx: EngineContext): Tx<number> {
  return ((yield* nextDueAt()) ?? Number.POSITIVE_INFINITY) - ctx.now;
}

const AT_ONCE_MAX = 100;
const RUNS_PRUNED_AT_ONCE_MAX = 5;

/**
 * All background work once. Safe to run in every process at once: each part reads the indexed minimum of what is due and writes only if
 * something is, each task in its own short transaction, in the one lock order.
 */
export async function tick(host: TickHost, machine: Machine): Promise<TickReport> {
  const tidying = await moveHostClock(host, machine.host);
  return {
    gone: await markGoneSessions(host, machine),
    leasesLost: await reapSessions(host, tidying),
    due: (await handleDueTasks(host)) + (await handleDueRuns(host)),
    locksExpired: await expireDueLocks(host),
    requestsForgotten: (await host.read(anyOldRequest)) ? await host.transact(forgetOldRequests) : 0,
    lettersReplayed: await replayDueLetters(host),
    lettersPruned: (await host.read(anyOldLetter)) ? await host.transact(pruneLetters) : 0,
    runsPruned: await pruneRuns(host, RUNS_PRUNED_AT_ONCE_MAX),
    tasksPruned: tidying ? await tidy(host) : 0,
    checkpoints: (await takeWantedCheckpoints(host)) + (tidying ? await takeDueCheckpoints(host) : 0),
  };
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

async function markGoneSessions(host: TickHost, machine: Machine): Promise<number> {
  const open = await host.read(() => sessions.openSessionsOf(machine.host));
  const gone = open.filter((session) => !machine.isAlive(session)).map(({ id }) => id);
  if (gone.length === 0) return 0;
  const marked = await host.transact((ctx) =>
    sessions.markGone(gone, ctx.now, ctx.now + ctx.settings.session_grace_ms),
  );
  return marked.length;
}

async function reapSessions(host: TickHost, tidying: boolean): Promise<number> {
  let lost = 0;
  const expired = await host.read((ctx) => sessions.expiredSessions(ctx.now, AT_ONCE_MAX));
  for (const session of expired) {
    const { over, more } = await loseLeasesOf(host, session);
    lost += over;
    if (!more) await host.transact((ctx) => closeSession(ctx, session));
  }
  for (const session of tidying ? await host.read(sessions.endedWithWork) : []) {
    lost += (await loseLeasesOf(host, session)).over;
    await host.transact((ctx) => releaseSessionLocks(ctx, session));
  }
  return lost;
}

async function loseLeasesOf(host: TickHost, session: string): Promise<{ over: number; more: boolean }> {
  let over = 0;
  const tasks = await host.read(() => runningTasksOfSession(session, AT_ONCE_MAX));
  for (const task of tasks) {
    if (await host.transact((ctx) => loseLease(ctx, { task: task.id, session }))) over += 1;
  }
  return { over, more: tasks.length === AT_ONCE_MAX };
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

async function handleDueTasks(host: TickHost): Promise<number> {
  let handled = 0;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const due = await host.read((ctx) => dueTasks(ctx.now, AT_ONCE_MAX));
    for (const task of due) await handleDueTask(host, task);
    handled += due.length;
    if (due.length < AT_ONCE_MAX) break;
  }
  return handled;
}

async function handleDueTask(host: TickHost, task: string): Promise<void> {
  try {
    await host.transact((ctx) => handleDue(ctx, task));
  } catch (error) {
    // What keeps a child run from starting ends the task that was to wait for it, and nothing else.
    if (!(error instanceof BatonError)) throw error;
    await host.transact((ctx) => refuseChild(ctx, task, error));
  }
}

const SET_ASIDE_MS = 60_000;

/** One that cannot be handled is set aside for a minute and told of at the end: the others are not to wait for it. */
async function handleDueRuns(host: TickHost): Promise<number> {
  const due = await host.read((ctx) => dueRuns(ctx.now, AT_ONCE_MAX));
  const failures: unknown[] = [];
  for (const run of due) {
    try {
      await host.transact((ctx) => handleDueRun(ctx, run));
    } catch (error) {
      failures.push(error);
      await host.transact((ctx) => setRunDue(run, ctx.now + SET_ASIDE_MS));
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} runs could not be looked after`);
  return due.length;
}

async function replayDueLetters(host: TickHost): Promise<number> {
  let replayed = 0;
  for (const letter of await host.read(dueLetters)) {
    if (await host.transact((ctx) => replayDue(ctx, letter))) replayed += 1;
  }
  return replayed;
}

async function expireDueLocks(host: TickHost): Promise<number> {
  const project = await host.read(projectWithLocksDue);
  return project === undefined ? 0 : host.transact((ctx) => expireLocks(ctx, AT_ONCE_MAX));
}

/** What nobody needs any more and no index tells of: once in a while, by one process of the host. */
async function tidy(host: TickHost): Promise<number> {
  await host.transact((ctx) => sessions.deleteEndedSessions(ctx.now - ctx.settings.retention_ms));
  const standing = await host.read(runsToPrune);
  let pruned = 0;
  for (const run of standing) pruned += await host.transact((ctx) => pruneTasks(ctx, run));
  return pruned;
}

/** Removes all letters that have been closed for longer than they are kept; how many. */
export async function pruneAllLetters(host: TickHost): Promise<number> {
  let removed = 0;
  while (await host.read(anyOldLetter)) removed += await host.transact(pruneLetters);
  return removed;
}

/** Removes runs that ended longer ago than the retention, with all that belongs to them; a few at a time. */
export async function pruneRuns(host: TickHost, atOnce: number): Promise<number> {
  const old = await host.read((ctx) =>
    runsPastRetention({ now: ctx.now, defaultMs: ctx.settings.retention_ms, limit: atOnce }),
  );
  let removed = 0;
  for (const { id } of old) removed += await host.transact((ctx) => pruneRun(ctx, id));
  return removed;
}

/** Between the look and this the run may have been opened again, or removed by another process. */
function* pruneRun(ctx: EngineContext, id: string): Tx<number> {
  const row = yield* lockRun(id);
  const run = row && runOf(row);
  if (!run || run.endedAt === null) return 0;
  yield* deleteRun(ctx, run);
  return 1;
}
