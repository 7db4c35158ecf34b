import fs from "node:fs";
import os from "node:os";
import type { App } from "./app.js";
import { contentFilesOf } from "./connection.js";
import type { NotificationTarget } from "../base/notifications/targets.js";
import type { Config } from "../config.js";
import { silentLogger } from "../runtime/logger.js";
import { systemClock } from "../runtime/clock.js";
import { systemRuntime } from "../runtime/runtime.js";
import type { DatabaseConfig } from "../config/database.js";
import { BatonError } from "../base/errors.js";
import {
  pruneAllDeadLetters,
  pruneAllMessages,
  pruneAllSessions,
  pruneAllWindows,
  pruneRuns,
} from "../engine/background/retention.js";
import { sweepAllContents } from "../engine/background/contents.js";
import { isAlive } from "../runtime/processes.js";
import type { Finding } from "../store/driver/inspection.js";
import { listOpenSessions, processKey } from "../store/presence/sessions.js";

export type { Finding };

// Maintenance that a person runs on the database as a whole, outside any operation.

/** Looks the database over without changing it. */
export async function inspectDatabase(database: DatabaseConfig): Promise<Finding[]> {
  if (database.kind === "sqlite") return (await import("../store/sqlite/inspection.js")).inspectSqlite(database);
  return (await import("../store/postgres/inspection.js")).inspectPostgres(database.url);
}

/** Deletes the SQLite file, or Baton's tables from the PostgreSQL schema; gives the paths or tables that were there. */
export async function removeDatabase(database: DatabaseConfig): Promise<string[]> {
  if (database.kind === "sqlite") return (await import("../store/sqlite/inspection.js")).removeSqlite(database.file);
  return (await import("../store/postgres/inspection.js")).dropPostgres(database.url);
}

export interface NotificationTest {
  readonly target: string;
  readonly error?: string;
}

/** Sends a test to targets, past the queue. */
export async function testNotifications(
  { settings }: Config,
  targets: Config["notifications"],
): Promise<NotificationTest[]> {
  const [{ send }, { testContent }] = await Promise.all([
    import("../notifiers/notifier.js"),
    import("../engine/notifications/content.js"),
  ]);
  const { signal } = new AbortController();
  const now = systemClock.now();
  const outgoing = { id: systemRuntime().ids.next("delivery", now), content: testContent(now) };
  const sendTo = async (target: NotificationTarget): Promise<NotificationTest> => {
    const result = await send(target, outgoing, { timeoutMs: settings.delivery_timeout_ms, now, signal });
    return { target: target.name, ...(result.ok ? {} : { error: result.error }) };
  };
  return Promise.all(targets.map(sendTo));
}

/** Makes the deliveries to this place's targets that are due. */
export async function sendNotifications(app: App, client: string): Promise<void> {
  const { NotifierLoop } = await import("../notifiers/loop.js");
  const engine = await app.background(client);
  const loop = new NotifierLoop({ engine, targets: app.config.notifications, logger: silentLogger });
  loop.poll();
  await loop.settled();
}

export interface LiveSession {
  readonly client: string;
  readonly host: string;
  readonly pid: number;
}

const SESSIONS_MAX = 1_000;

/** The server processes that use the database now. A database that is not there yet is not made by asking. */
export async function liveSessions(app: App): Promise<LiveSession[]> {
  const { database } = app.config;
  if (database.kind === "sqlite" && !fs.existsSync(database.file)) return [];
  const store = await app.store();
  return store.read(function* (ctx) {
    const open = yield* listOpenSessions(SESSIONS_MAX);
    return (
      open
        .filter(({ expiresAt, goneAt }) => expiresAt > ctx.now && goneAt === null)
        // A client whose hooks are all that is known of it has no server that uses the database.
        .filter((session) => processKey(session) !== session.clientProcess)
        .filter((session) => session.host !== os.hostname() || isAlive(session))
        .map(({ client, host, pid }) => ({ client, host, pid }))
    );
  });
}

/** Errors: `not_found` for a file that is not there; nothing makes one for maintenance. */
export function requireDatabase(database: DatabaseConfig, purpose: "prune" | "back up" | "export"): void {
  if (database.kind === "postgres" || fs.existsSync(database.file)) return;
  throw new BatonError("not_found", `There is no database ${database.file}, so there is nothing to ${purpose}.`);
}

export interface Pruned {
  readonly runs: number;
  /** Dead letters that had been dealt with. */
  readonly dead_letters: number;
  /** That runs were started in (`create_session`). */
  readonly sessions: number;
  readonly messages: number;
  readonly context_windows: number;
  /** Given back to the file system; null where the database does that by itself. */
  readonly bytes: number | null;
  readonly retention_ms: number;
}

const RUNS_AT_ONCE = 20;

/**
 * Removes every run and every session that ended, every dead letter that was closed, every message and every context window, longer ago than they are kept, and gives
 * their space back. Errors: `not_found` without a database.
 */
export async function prune(app: App, client: string): Promise<Pruned> {
  const { database } = app.config;
  requireDatabase(database, "prune");
  const before = await sizeOf(database);
  const host = await app.background(client);
  let runs = 0;
  for (let removed = RUNS_AT_ONCE; removed === RUNS_AT_ONCE; runs += removed)
    removed = await pruneRuns(host, RUNS_AT_ONCE);
  const deadLetters = await pruneAllDeadLetters(host);
  const sessions = await pruneAllSessions(host);
  const messages = await pruneAllMessages(host);
  const windows = await pruneAllWindows(host);
  await sweepAllContents(host, await contentFilesOf(database));
  return {
    runs,
    dead_letters: deadLetters,
    sessions,
    messages,
    context_windows: windows,
    bytes: await giveBack(app, before),
    retention_ms: app.settings.retention_ms,
  };
}

/** Size of a database file with its log; null for a server's database, which manages its own storage. */
async function sizeOf(database: DatabaseConfig): Promise<number | null> {
  if (database.kind !== "sqlite") return null;
  return (await import("../store/sqlite/inspection.js")).sizeOfSqlite(database.file);
}

/** How much smaller the file is than before anything was removed: what that has written into the log is none of it. */
async function giveBack(app: App, before: number | null): Promise<number | null> {
  if (before === null) return null;
  const store = await app.store();
  while (await store.reclaim()) {
    // Each step is bounded, so that the servers beside this process can write in between.
  }
  await app.close();
  return Math.max(0, before - ((await sizeOf(app.config.database)) ?? before));
}
