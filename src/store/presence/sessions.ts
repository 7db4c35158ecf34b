import { lockEndedSessions } from "../lock-order.js";
import {
  many,
  manyIn,
  chunksOf,
  flag,
  hit,
  idOf,
  int,
  intOrNull,
  one,
  only,
  placeholders,
  text,
  textOrNull,
} from "../rows.js";
import { columns, insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const SESSIONS = table("sessions", {
  id: text,
  host: text,
  pid: int,
  processStartedAt: int,
  client: text,
  /** The identity that the client gives its conversation, which outlives the process. */
  clientSession: textOrNull,
  /** The process of the client that started the server, by its `processKey`; null where that is not known. */
  clientProcess: textOrNull,
  executor: flag,
  /** The root of the git work tree that it works in; null where it is in none. */
  workTree: textOrNull,
  openedAt: int,
  renewedAt: int,
  expiresAt: int,
  /** When its pipe closed or its process was found gone. */
  goneAt: intOrNull,
  /** When its work had been taken back. */
  endedAt: intOrNull,
});
/** A server process, as long as it lives. */
export interface Session extends RowOf<typeof SESSIONS> {}

/** Names one process of a machine: a pid alone is given again. */
export function processKey({ pid, processStartedAt }: Pick<Session, "pid" | "processStartedAt">): string {
  return `${pid}:${processStartedAt}`;
}

const SAVE = insertInto(
  SESSIONS,
  `ON CONFLICT (id) DO UPDATE SET renewed_at = excluded.renewed_at, expires_at = excluded.expires_at, work_tree = excluded.work_tree, gone_at = NULL, ended_at = NULL`,
);

/** Opens the session, or opens it again after it had been given up as dead. */
export function* saveSession(session: Session): Tx<void> {
  yield SAVE([session]);
}

interface Renewal extends Pick<Session, "id" | "renewedAt" | "expiresAt" | "clientSession"> {}

/** False when the session is not open any more. */
export function* renewSession(session: Renewal): Tx<boolean> {
  return yield* hit([
    `UPDATE sessions SET renewed_at = $1, expires_at = $2, gone_at = NULL, client_session = COALESCE(client_session, $4)
     WHERE id = $3 AND ended_at IS NULL RETURNING id`,
    [session.renewedAt, session.expiresAt, session.id, session.clientSession],
  ]);
}

/** Marks sessions whose process is gone or whose pipe has closed: their leases end at `expiresAt`. */
export function* markGone(ids: readonly string[], now: number, expiresAt: number): Tx<string[]> {
  const marked: string[] = [];
  for (const id of ids.toSorted()) {
    const isMarked = yield* hit([
      `UPDATE sessions SET gone_at = $1, expires_at = CASE WHEN expires_at < $2 THEN expires_at ELSE $2 END
       WHERE gone_at IS NULL AND ended_at IS NULL AND id = $3 RETURNING id`,
      [now, expiresAt, id],
    ]);
    if (isMarked) marked.push(id);
  }
  return marked;
}

export function* endSession(id: string, now: number): Tx<void> {
  yield ["UPDATE sessions SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL", [now, id]];
}

/** False for one that has been renewed meanwhile. */
export function* endExpiredSession(id: string, now: number): Tx<boolean> {
  return yield* hit([
    "UPDATE sessions SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL AND expires_at <= $1 RETURNING id",
    [now, id],
  ]);
}

export function* findSession(id: string): Tx<Session | undefined> {
  return yield* one(SESSIONS.read, [`SELECT ${SESSIONS.columns} FROM sessions WHERE id = $1`, [id]]);
}

/** Returns open sessions of one host that have not been found gone yet. */
export function* openSessionsOf(host: string): Tx<Session[]> {
  return yield* many(SESSIONS.read, [
    `SELECT ${SESSIONS.columns} FROM sessions WHERE host = $1 AND ended_at IS NULL AND gone_at IS NULL ORDER BY id LIMIT 1000`,
    [host],
  ]);
}

/** Open sessions whose server was started by one of these client processes. */
export function* sessionsOfClients(host: string, processes: readonly string[]): Tx<Session[]> {
  return yield* manyIn(SESSIONS.read, processes, (chunk) => [
    `SELECT ${SESSIONS.columns} FROM sessions WHERE host = $1 AND ended_at IS NULL AND client_process IN (${placeholders(chunk.length, 2)})`,
    [host, ...chunk],
  ]);
}

/** Open sessions of conversations, on any machine. */
export function* sessionsOfConversations(clientSessions: readonly string[]): Tx<Session[]> {
  return yield* manyIn(SESSIONS.read, clientSessions, (chunk) => [
    `SELECT ${SESSIONS.columns} FROM sessions WHERE ended_at IS NULL AND client_session IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

const OF_CONVERSATION_MAX = 20;

/** Sessions of one conversation, ended ones too, the newest first. */
export function* sessionsOfConversation(clientSession: string): Tx<Session[]> {
  return yield* many(SESSIONS.read, [
    `SELECT ${SESSIONS.columns} FROM sessions WHERE client_session = $1 ORDER BY opened_at DESC, id LIMIT ${OF_CONVERSATION_MAX}`,
    [clientSession],
  ]);
}

/** Agents that work over sessions, the last heard first. */
export function* agentsOfSessions(ids: readonly string[]): Tx<string[]> {
  return yield* manyIn(only("name", text), ids, (chunk) => {
    const sessions = `IN (${placeholders(chunk.length)})`;
    return [
      // sql: placeholders alone
      `SELECT name FROM agents WHERE session ${sessions} OR name IN (
         SELECT agent FROM tasks WHERE agent IS NOT NULL AND session ${sessions}
         UNION SELECT agent FROM file_locks WHERE task IS NULL AND session ${sessions})
       ORDER BY seen_at DESC, name LIMIT 100`,
      chunk,
    ];
  });
}

const TREES = columns({ id: text, host: text, workTree: text });

/** The work trees of those of these sessions that have one, with the host on which they lie. */
export function* workTreesOf(ids: readonly string[]): Tx<Map<string, string>> {
  const rows = yield* manyIn(TREES.read, [...new Set(ids)], (chunk) => [
    `SELECT ${TREES.columns} FROM sessions WHERE work_tree IS NOT NULL AND id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
  return new Map(rows.map(({ id, host, workTree }) => [id, `${host}:${workTree}`]));
}

/** Sessions of a host that work in a git work tree or have done so, the last renewed first. */
export function* sessionsInWorkTrees(host: string, limit: number): Tx<Session[]> {
  return yield* many(SESSIONS.read, [
    `SELECT ${SESSIONS.columns} FROM sessions WHERE host = $1 AND work_tree IS NOT NULL ORDER BY renewed_at DESC, id LIMIT $2`,
    [host, limit],
  ]);
}

const WORKERS = columns({ session: text, agent: text });
/** An agent that works over a session, or has done so last. */
export interface SessionWorker extends RowOf<typeof WORKERS> {}

/** Agents of sessions: what they registered over, what their tasks run under and their locks are bound to. */
export function* workersOfSessions(ids: readonly string[]): Tx<SessionWorker[]> {
  return yield* manyIn(WORKERS.read, ids, (chunk) => {
    const sessions = `session IN (${placeholders(chunk.length)})`;
    return [
      // sql: placeholders alone
      `SELECT session, name AS agent FROM agents WHERE ${sessions}
       UNION SELECT session, agent FROM tasks WHERE agent IS NOT NULL AND ${sessions}
       UNION SELECT session, agent FROM file_locks WHERE ${sessions} ORDER BY session, agent LIMIT 1000`,
      chunk,
    ];
  });
}

/** The condition on a session s, the instant being $1: a host that has just woken has a grace, unless the process is known to be gone. */
const TIME_IS_OVER =
  "s.ended_at IS NULL AND s.expires_at <= $1 AND (s.gone_at IS NOT NULL OR COALESCE(h.grace_until, 0) <= $1)";

/** Whether the time of a session is over. */
export function* isExpired(id: string, now: number): Tx<boolean> {
  return yield* hit([
    `SELECT 1 AS one FROM sessions s LEFT JOIN host_clocks h ON h.host = s.host WHERE ${TIME_IS_OVER} AND s.id = $2`,
    [now, id],
  ]);
}

/** Sessions whose time is over. */
export function* expiredSessions(now: number, limit: number): Tx<string[]> {
  return yield* many(idOf, [
    `SELECT s.id FROM sessions s LEFT JOIN host_clocks h ON h.host = s.host
     WHERE ${TIME_IS_OVER} ORDER BY s.expires_at LIMIT $2`,
    [now, limit],
  ]);
}

/**
 * Sessions that have ended though tasks run under them, or locks are held: a call was under way while they did. Reads every running
 * task and every lock without one.
 */
export function* endedWithWork(): Tx<string[]> {
  return yield* many(only("session", text), [
    `SELECT w.session FROM (SELECT session FROM tasks WHERE agent IS NOT NULL AND session IS NOT NULL
       UNION SELECT session FROM file_locks WHERE session IS NOT NULL AND task IS NULL) w
     LEFT JOIN sessions s ON s.id = w.session WHERE s.id IS NULL OR s.ended_at IS NOT NULL ORDER BY w.session LIMIT 100`,
  ]);
}

export function* listOpenSessions(limit: number): Tx<Session[]> {
  return yield* many(SESSIONS.read, [
    `SELECT ${SESSIONS.columns} FROM sessions WHERE ended_at IS NULL ORDER BY id LIMIT $1`,
    [limit],
  ]);
}

const HOST_CLOCKS = columns({
  tickedAt: int,
  graceUntil: int,
  /** The host's own wall clock when its last sleep was accounted for. */
  wokeAt: int,
});
export interface HostClock extends RowOf<typeof HOST_CLOCKS> {}

export function findHostClock(host: string): Tx<HostClock | undefined> {
  return one(HOST_CLOCKS.read, [`SELECT ${HOST_CLOCKS.columns} FROM host_clocks WHERE host = $1`, [host]]);
}

/** Moves a host's clock by compare-and-set; a second process changes nothing. */
export function* advanceHostClock(host: string, from: number, to: Omit<HostClock, "wokeAt">): Tx<boolean> {
  return yield* hit([
    "UPDATE host_clocks SET ticked_at = $1, grace_until = $2 WHERE host = $3 AND ticked_at = $4 RETURNING host",
    [to.tickedAt, to.graceUntil, host, from],
  ]);
}

/** Notes that a sleep of a host is accounted for, by compare-and-set; a second process changes nothing. */
export function* wakeHost(host: string, from: number, to: number): Tx<boolean> {
  return yield* hit([
    "UPDATE host_clocks SET woke_at = $1 WHERE host = $2 AND woke_at = $3 RETURNING host",
    [to, host, from],
  ]);
}

export function* insertHostClock(host: string, now: number): Tx<void> {
  yield [
    "INSERT INTO host_clocks (host, ticked_at, grace_until) VALUES ($1, $2, 0) ON CONFLICT (host) DO NOTHING",
    [host, now],
  ];
}

/** Removes ended sessions that are no longer shown, a few at a time. */
export function* deleteEndedSessions(before: number): Tx<void> {
  for (const chunk of chunksOf(yield* lockEndedSessions(before)))
    yield [`DELETE FROM sessions WHERE id IN (${placeholders(chunk.length)})`, chunk];
}

/** Whether any file lock is bound to a session alone. */
export function* holdsLocks(id: string): Tx<boolean> {
  return yield* hit(["SELECT 1 AS one FROM file_locks WHERE session = $1 AND task IS NULL LIMIT 1", [id]]);
}
