import { lockRuns, lockProject } from "../lock-order.js";
import { idOf, many, only, text } from "../rows.js";
import type { Tx } from "../tx.js";

/** A host that has woken, and since when it was asleep, in the time of the database. */
export interface HostSleep {
  readonly host: string;
  readonly asleepAt: number;
  readonly ms: number;
}

// sql: the alias is one of the constants below.
const ofHost = (row: string): string => `(${row}.session IN (SELECT id FROM sessions WHERE host = $1)
  OR (${row}.session IS NULL AND ${row}.agent IN (SELECT name FROM agents WHERE host = $1)))`;

/** Work of a host: under one of its sessions, or of an agent that called from there last. */
const TASKS_OF_HOST = `t.agent IS NOT NULL AND ${ofHost("t")}`;
const LOCKS_OF_HOST = ofHost("l");
const REQUESTS_OF_HOST = ofHost("r");

const PROJECTS_OF_HOST = `SELECT l.project FROM file_locks l WHERE ${LOCKS_OF_HOST}
  UNION SELECT r.project FROM lock_requests r WHERE ${REQUESTS_OF_HOST}`;
const RUNS_OF_HOST = `SELECT DISTINCT t.run FROM tasks t WHERE ${TASKS_OF_HOST}`;
const MOVE_TASKS = `UPDATE tasks AS t SET lease_expires_at = lease_expires_at + $2, heartbeat_at = heartbeat_at + $2,
  slept_ms = slept_ms + $2, due_at = CASE WHEN orders IS NULL THEN due_at ELSE due_at + $2 END
  WHERE started_at <= $3 AND ${TASKS_OF_HOST}`;
const MOVE_LOCKS = `UPDATE file_locks AS l SET expires_at = expires_at + $2
  WHERE expires_at > $3 AND since <= $3 AND ${LOCKS_OF_HOST}`;
const MOVE_REQUESTS = `UPDATE lock_requests AS r SET present_until = present_until + $2, place_expires_at = place_expires_at + $2
  WHERE place_expires_at > $3 AND created_at <= $3 AND ${REQUESTS_OF_HOST}`;

/**
 * Moves every instant that depends on a host's being awake by the time that it slept: the ends of leases, heartbeats, locks, places in
 * line and sessions, and the beginning of silence. Locks the projects, runs, agents and sessions concerned, in the one order.
 */
export function* moveTimes({ host, asleepAt, ms }: HostSleep): Tx<void> {
  const projects = yield* many(only("project", text), [PROJECTS_OF_HOST, [host]]);
  for (const project of projects.toSorted()) yield* lockProject(project);
  yield* lockRuns(yield* many(only("run", text), [RUNS_OF_HOST, [host]]));
  const agents = yield* many(only("name", text), [
    "SELECT name FROM agents WHERE host = $1 AND heard_at IS NOT NULL ORDER BY name",
    [host],
  ]);
  for (const name of agents)
    yield [
      "UPDATE agents SET heard_at = heard_at + $1, yields_at = yields_at + $1 WHERE name = $2 AND heard_at <= $3",
      [ms, name, asleepAt],
    ];
  const sessions = yield* many(idOf, [
    "SELECT id FROM sessions WHERE host = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY id",
    [host, asleepAt],
  ]);
  for (const id of sessions)
    yield ["UPDATE sessions SET expires_at = expires_at + $1 WHERE id = $2 AND renewed_at <= $3", [ms, id, asleepAt]];
  for (const sql of [MOVE_TASKS, MOVE_LOCKS, MOVE_REQUESTS]) yield [sql, [host, ms, asleepAt]];
}
