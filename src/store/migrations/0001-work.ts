import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

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
/** The states of tasks that need somebody. The queries that look for them say it in the same words. */
const STUCK = oneOf("status", ["waiting", "in_review", "blocked", "dead_letter"]);

/** Projects, workflows, runs, tasks and their attempts. */
export const workTables: Migration["statements"] = [
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
];
