import type { Migration } from "./migration.js";

/**
 * As a chain of comparisons: for a list of more than two, SQLite makes a table anew in every statement that checks it, at
 * some 5 µs. What is there most often comes first.
 */
function oneOf(column: string, values: readonly string[]): string {
  return values.map((value) => `${column} = '${value}'`).join(" OR ");
}

const PROJECT_STATUS = oneOf("status", ["active", "archived"]);
const RUN_KIND = oneOf("kind", ["workflow", "standing"]);
const RUN_STATUS = oneOf("status", [
  "planning",
  "running",
  "paused",
  "succeeded",
  "failed",
  "cancelling",
  "cancelled",
  "compensating",
  "compensated",
]);
const TASK_STATUS = oneOf("status", [
  "pending",
  "ready",
  "running",
  "waiting",
  "in_review",
  "succeeded",
  "skipped",
  "blocked",
  "cancelled",
  "dead_letter",
]);
const ATTEMPT_OUTCOME = oneOf("outcome", ["succeeded", "failed", "timed_out", "lease_lost", "released", "cancelled"]);
const LOCK_KIND = oneOf("kind", ["file", "directory", "glob"]);
const LOCK_MODE = oneOf("mode", ["exclusive", "shared"]);
const LOCK_STATE = oneOf("state", ["held", "offered", "queued"]);
const REQUEST_STATE = oneOf("state", ["queued", "offered"]);
const AGENT_STATUS = oneOf("status", ["active", "unregistered"]);
/** The states of tasks that need somebody. The queries that look for them say it in the same words. */
const STUCK = oneOf("status", ["waiting", "in_review", "blocked", "dead_letter"]);

/**
 * The foundation. Tables lead with project or run, so that the data can be spread by it. Instants and durations are
 * milliseconds; JSON is text; a `%KEY%` column compares by bytes on both databases.
 */
export const foundation: Migration = {
  version: 1,
  name: "foundation",
  statements: [
    `CREATE TABLE projects (
      id %KEY% PRIMARY KEY,
      name %KEY% NOT NULL UNIQUE,
      root %KEY%,
      status %KEY% NOT NULL CHECK (${PROJECT_STATUS}),
      description TEXT,
      config TEXT NOT NULL,
      case_insensitive INTEGER NOT NULL,
      lock_token BIGINT NOT NULL DEFAULT 0,
      retention_ms BIGINT,
      created_at BIGINT NOT NULL,
      updated_at BIGINT NOT NULL
    )`,
    `CREATE UNIQUE INDEX projects_by_root ON projects (root) WHERE root IS NOT NULL`,

    `CREATE TABLE settings (
      scope %KEY% NOT NULL,
      name %KEY% NOT NULL,
      value TEXT NOT NULL,
      updated_at BIGINT NOT NULL,
      updated_by %KEY% NOT NULL,
      PRIMARY KEY (scope, name)
    )`,

    `CREATE TABLE workflows (
      id %KEY% PRIMARY KEY,
      project %KEY% NOT NULL,
      name %KEY% NOT NULL,
      version INTEGER NOT NULL,
      steps INTEGER NOT NULL,
      archived_at BIGINT,
      created_at BIGINT NOT NULL,
      updated_at BIGINT NOT NULL,
      UNIQUE (project, name)
    )`,
    `CREATE TABLE workflow_versions (
      workflow %KEY% NOT NULL,
      version INTEGER NOT NULL,
      definition TEXT NOT NULL,
      hash %KEY% NOT NULL,
      created_at BIGINT NOT NULL,
      created_by %KEY% NOT NULL,
      PRIMARY KEY (workflow, version)
    )`,

    // The definition comes last: it can be long, and what stands before it is read without it.
    `CREATE TABLE runs (
      id %KEY% PRIMARY KEY,
      project %KEY% NOT NULL,
      workflow %KEY%,
      workflow_version INTEGER,
      name %KEY% NOT NULL,
      kind %KEY% NOT NULL CHECK (${RUN_KIND}),
      status %KEY% NOT NULL CHECK (${RUN_STATUS}),
      revision INTEGER NOT NULL,
      mode %KEY% NOT NULL,
      max_parallel INTEGER NOT NULL,
      priority INTEGER NOT NULL,
      deadline BIGINT,
      inputs TEXT NOT NULL,
      reason TEXT,
      created_by %KEY% NOT NULL,
      created_at BIGINT NOT NULL,
      ended_at BIGINT,
      due_at BIGINT,
      shape TEXT NOT NULL,
      definition TEXT
    )`,
    `CREATE INDEX runs_by_project ON runs (project, id)`,
    `CREATE INDEX runs_by_workflow ON runs (workflow, id) WHERE workflow IS NOT NULL`,
    `CREATE INDEX runs_open ON runs (status, id) WHERE ended_at IS NULL`,
    `CREATE UNIQUE INDEX runs_standing ON runs (project) WHERE kind = 'standing'`,
    `CREATE INDEX runs_ended ON runs (project, ended_at) WHERE ended_at IS NOT NULL`,
    `CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL`,

    // Narrow and hot: one row per run, changed with every state change of its tasks.
    `CREATE TABLE run_counters (
      run %KEY% PRIMARY KEY,
      total INTEGER NOT NULL DEFAULT 0,
      pending INTEGER NOT NULL DEFAULT 0,
      ready INTEGER NOT NULL DEFAULT 0,
      running INTEGER NOT NULL DEFAULT 0,
      waiting INTEGER NOT NULL DEFAULT 0,
      in_review INTEGER NOT NULL DEFAULT 0,
      succeeded INTEGER NOT NULL DEFAULT 0,
      skipped INTEGER NOT NULL DEFAULT 0,
      blocked INTEGER NOT NULL DEFAULT 0,
      cancelled INTEGER NOT NULL DEFAULT 0,
      dead_letter INTEGER NOT NULL DEFAULT 0,
      work_ms BIGINT NOT NULL DEFAULT 0,
      done_ms BIGINT NOT NULL DEFAULT 0,
      updated_at BIGINT NOT NULL,
      CHECK (total = pending + ready + running + waiting + in_review + succeeded + skipped + blocked + cancelled + dead_letter),
      CHECK (pending >= 0 AND ready >= 0 AND running >= 0 AND waiting >= 0 AND in_review >= 0 AND succeeded >= 0
        AND skipped >= 0 AND blocked >= 0 AND cancelled >= 0 AND dead_letter >= 0)
    )`,

    // What changes while a task lives. An open attempt stands here (agent, session, token, since, until); once it has
    // ended it becomes a row of attempts.
    `CREATE TABLE tasks (
      id %KEY% PRIMARY KEY,
      run %KEY% NOT NULL,
      project %KEY% NOT NULL,
      key %KEY% NOT NULL,
      kind %KEY% NOT NULL,
      title TEXT NOT NULL,
      role %KEY%,
      status %KEY% NOT NULL CHECK (${TASK_STATUS}),
      priority INTEGER NOT NULL,
      demand %KEY% NOT NULL,
      scope %KEY% NOT NULL,
      trigger_rule %KEY% NOT NULL,
      deps_total INTEGER NOT NULL,
      deps_succeeded INTEGER NOT NULL DEFAULT 0,
      deps_failed INTEGER NOT NULL DEFAULT 0,
      deps_skipped INTEGER NOT NULL DEFAULT 0,
      dependents INTEGER NOT NULL,
      bucket BIGINT NOT NULL DEFAULT 0,
      latest_start BIGINT NOT NULL,
      rank_order BIGINT NOT NULL,
      estimate_ms BIGINT NOT NULL,
      timed INTEGER NOT NULL,
      attempt INTEGER NOT NULL DEFAULT 0,
      failures INTEGER NOT NULL DEFAULT 0,
      token BIGINT NOT NULL DEFAULT 0,
      agent %KEY%,
      session %KEY%,
      started_at BIGINT,
      lease_expires_at BIGINT,
      heartbeat_at BIGINT,
      percent INTEGER,
      reserved_for %KEY%,
      reserved_until BIGINT,
      orders %KEY%,
      holds_files INTEGER NOT NULL DEFAULT 0,
      available_at BIGINT,
      ready_at BIGINT,
      close_by BIGINT,
      due_at BIGINT,
      reasons TEXT,
      created_at BIGINT NOT NULL,
      ended_at BIGINT,
      UNIQUE (run, key),
      CHECK ((status = 'running') = (agent IS NOT NULL))
    )`,
    `CREATE INDEX tasks_ready ON tasks (run, demand, scope, bucket, latest_start, rank_order, id) WHERE status = 'ready'`,
    // Each index costs a page in the log of every commit that touches it, so there is none for what another one finds.
    // What is held is little at any time: when it comes due is found by reading all of this index, rather than by one more that
    // every claim and completion would write.
    `CREATE INDEX tasks_held ON tasks (agent, id, run, session, due_at) WHERE agent IS NOT NULL`,
    `CREATE INDEX tasks_stuck ON tasks (run, status, id) WHERE ${STUCK}`,
    `CREATE INDEX tasks_due ON tasks (due_at) WHERE due_at IS NOT NULL AND agent IS NULL`,

    // What never changes after a task is made, as JSON: prompt, files, retry, timeouts, output schema, command.
    `CREATE TABLE task_specs (
      task %KEY% PRIMARY KEY,
      spec TEXT NOT NULL
    )`,

    `CREATE TABLE dependencies (
      task %KEY% NOT NULL,
      dependency %KEY% NOT NULL,
      PRIMARY KEY (dependency, task)
    ) %CLUSTERED%`,
    `CREATE INDEX dependencies_by_task ON dependencies (task, dependency)`,

    `CREATE TABLE attempts (
      task %KEY% NOT NULL,
      number INTEGER NOT NULL,
      agent %KEY% NOT NULL,
      token BIGINT NOT NULL,
      started_at BIGINT NOT NULL,
      ended_at BIGINT NOT NULL,
      outcome %KEY% NOT NULL CHECK (${ATTEMPT_OUTCOME}),
      result TEXT,
      error TEXT,
      usage TEXT,
      note TEXT,
      PRIMARY KEY (task, number)
    ) %CLUSTERED%`,
    `CREATE INDEX attempts_by_agent ON attempts (agent, ended_at)`,

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
    `CREATE INDEX file_locks_by_agent ON file_locks (agent, project)`,
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
  ],
};
