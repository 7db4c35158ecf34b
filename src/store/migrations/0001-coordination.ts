import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const LOCK_KIND = oneOf("kind", ["file", "directory", "glob"]);
const LOCK_MODE = oneOf("mode", ["exclusive", "shared"]);
const LOCK_STATE = oneOf("state", ["held", "offered", "queued"]);
const REQUEST_STATE = oneOf("state", ["queued", "offered"]);
const AGENT_STATUS = oneOf("status", ["active", "unregistered"]);

/** What gives the work out and keeps its holders apart: lanes, locks, agents, sessions; and the history. */
export const coordinationTables: Migration["statements"] = [
  // What a task asks of whoever takes it. Rows are never changed, so a demand's id is the hash of its content.
  `CREATE TABLE demands (
    id %KEY% PRIMARY KEY,
    project %KEY% NOT NULL,
    executor %KEY% NOT NULL,
    role %KEY%,
    requires TEXT NOT NULL,
    reserved_for %KEY%,
    command TEXT,
    scoped INTEGER NOT NULL
  )`,
  `CREATE INDEX demands_by_project ON demands (project)`,

  // The first ready task of each (run, demand). open is 0 while the run is paused, full or over.
  `CREATE TABLE lanes (
    run %KEY% NOT NULL,
    demand %KEY% NOT NULL,
    project %KEY% NOT NULL,
    open INTEGER NOT NULL,
    bucket BIGINT,
    latest_start BIGINT,
    rank_order BIGINT,
    head %KEY%,
    PRIMARY KEY (run, demand)
  ) %CLUSTERED%`,
  `CREATE INDEX lanes_claim ON lanes (project, demand, bucket, latest_start, rank_order, head) WHERE open = 1 AND head IS NOT NULL`,

  // Under a lane whose tasks write files: the first ready task of each set of files. What a lock holds up is parked
  // here, a whole set in one row, and returns when the lock goes.
  `CREATE TABLE scope_lanes (
    run %KEY% NOT NULL,
    demand %KEY% NOT NULL,
    scope %KEY% NOT NULL,
    project %KEY% NOT NULL,
    parked_on %KEY%,
    bucket BIGINT,
    latest_start BIGINT,
    rank_order BIGINT,
    head %KEY%,
    PRIMARY KEY (run, demand, scope)
  ) %CLUSTERED%`,
  `CREATE INDEX scope_lanes_heads ON scope_lanes (run, demand, bucket, latest_start, rank_order, head)
    WHERE parked_on IS NULL AND head IS NOT NULL`,
  `CREATE INDEX scope_lanes_parked ON scope_lanes (project, parked_on) WHERE parked_on IS NOT NULL`,

  // A set of file patterns that tasks declare; the id is the hash of the content.
  `CREATE TABLE scopes (
    id %KEY% PRIMARY KEY,
    project %KEY% NOT NULL,
    patterns TEXT NOT NULL
  )`,

  // One row per pattern, held, offered or queued.
  `CREATE TABLE file_locks (
    id %KEY% PRIMARY KEY,
    project %KEY% NOT NULL,
    request %KEY% NOT NULL,
    path %KEY% NOT NULL,
    kind %KEY% NOT NULL CHECK (${LOCK_KIND}),
    prefix %KEY% NOT NULL,
    mode %KEY% NOT NULL CHECK (${LOCK_MODE}),
    state %KEY% NOT NULL CHECK (${LOCK_STATE}),
    agent %KEY% NOT NULL,
    task %KEY%,
    session %KEY%,
    token BIGINT NOT NULL,
    since BIGINT NOT NULL,
    expires_at BIGINT,
    reason TEXT
  ) %CLUSTERED%`,
  `CREATE INDEX file_locks_by_prefix ON file_locks (project, prefix)`,
  // What a claim locks is held for as long as its task, and found through it.
  `CREATE INDEX file_locks_by_request ON file_locks (request) WHERE state <> 'held' OR expires_at IS NOT NULL`,
  `CREATE INDEX file_locks_by_task ON file_locks (task) WHERE task IS NOT NULL`,
  `CREATE INDEX file_locks_by_agent ON file_locks (agent, project) WHERE state <> 'held' OR expires_at IS NOT NULL`,
  `CREATE INDEX file_locks_by_session ON file_locks (session) WHERE session IS NOT NULL AND task IS NULL`,
  `CREATE INDEX file_locks_expiring ON file_locks (expires_at) WHERE expires_at IS NOT NULL`,

  // A request that waits. position is its place in line; it keeps the place until place_expires_at.
  `CREATE TABLE lock_requests (
    id %KEY% PRIMARY KEY,
    project %KEY% NOT NULL,
    agent %KEY% NOT NULL,
    task %KEY%,
    session %KEY%,
    mode %KEY% NOT NULL,
    paths TEXT NOT NULL,
    ttl_ms BIGINT NOT NULL,
    reason TEXT,
    state %KEY% NOT NULL CHECK (${REQUEST_STATE}),
    position BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    present_until BIGINT NOT NULL,
    place_expires_at BIGINT NOT NULL
  )`,
  `CREATE INDEX lock_requests_in_line ON lock_requests (project, position)`,
  `CREATE INDEX lock_requests_by_agent ON lock_requests (agent, project)`,
  `CREATE INDEX lock_requests_expiring ON lock_requests (place_expires_at)`,

  `CREATE TABLE agents (
    name %KEY% PRIMARY KEY,
    status %KEY% NOT NULL CHECK (${AGENT_STATUS}),
    capabilities TEXT NOT NULL,
    roles TEXT NOT NULL,
    max_concurrent_tasks INTEGER NOT NULL,
    profile TEXT NOT NULL,
    session %KEY%,
    event_cursor TEXT,
    load_note TEXT,
    registered_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
  )`,

  `CREATE TABLE sessions (
    id %KEY% PRIMARY KEY,
    host %KEY% NOT NULL,
    pid INTEGER NOT NULL,
    process_started_at BIGINT NOT NULL,
    client TEXT NOT NULL,
    executor INTEGER NOT NULL,
    opened_at BIGINT NOT NULL,
    renewed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    gone_at BIGINT,
    ended_at BIGINT
  )`,
  `CREATE INDEX sessions_expiring ON sessions (expires_at) WHERE ended_at IS NULL`,
  `CREATE INDEX sessions_by_host ON sessions (host) WHERE ended_at IS NULL`,

  // What the sessions that take command steps may run, and the projects whose root is not on their machine.
  `CREATE TABLE executors (
    session %KEY% PRIMARY KEY,
    policy TEXT NOT NULL,
    absent_roots TEXT NOT NULL
  )`,

  // One row per host: a gap of the whole host means that the machine slept.
  `CREATE TABLE host_clocks (
    host %KEY% PRIMARY KEY,
    ticked_at BIGINT NOT NULL,
    grace_until BIGINT NOT NULL
  )`,

  `CREATE TABLE requests (
    subject %KEY% NOT NULL,
    request_id %KEY% NOT NULL,
    operation %KEY% NOT NULL,
    input_hash %KEY% NOT NULL,
    result TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (subject, request_id)
  )`,
  `CREATE INDEX requests_by_age ON requests (at)`,

  `CREATE TABLE events (
    seq %SERIAL%,
    xid BIGINT NOT NULL DEFAULT %XID%,
    at BIGINT NOT NULL,
    type %KEY% NOT NULL,
    project %KEY%,
    run %KEY%,
    task %KEY%,
    agent %KEY%,
    data TEXT NOT NULL
  )`,
  { postgres: `CREATE INDEX events_in_order ON events (%EVENT_ORDER%)` },
  `CREATE INDEX events_by_run ON events (run, %EVENT_ORDER%) WHERE run IS NOT NULL`,
];
