import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const MILESTONE_STATUS = oneOf("status", ["open", "completed"]);
const LINK_KIND = oneOf("kind", ["run", "task", "workflow"]);
const RUN_MODE = oneOf("mode", ["standard", "high_performance", "fault_tolerant", "resource_aware"]);

/** What a project works towards, and named sets of defaults that runs take. */
export const milestonesAndSessions: Migration = {
  version: 4,
  name: "milestones and sessions",
  statements: [
    `CREATE TABLE milestones (
      id %KEY% PRIMARY KEY,
      project %KEY% NOT NULL,
      name %KEY% NOT NULL,
      status %KEY% NOT NULL CHECK (${MILESTONE_STATUS}),
      due_at BIGINT,
      links INTEGER NOT NULL,
      done INTEGER NOT NULL,
      note TEXT,
      created_at BIGINT NOT NULL,
      created_by %KEY% NOT NULL,
      completed_at BIGINT,
      completed_by %KEY%,
      UNIQUE (project, name),
      CHECK (done >= 0 AND done <= links)
    )`,
    `CREATE TABLE milestone_links (
      milestone %KEY% NOT NULL,
      kind %KEY% NOT NULL CHECK (${LINK_KIND}),
      target %KEY% NOT NULL,
      label TEXT NOT NULL,
      done INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (milestone, target)
    )`,
    `CREATE INDEX milestone_links_open ON milestone_links (target, milestone) WHERE done = 0`,
    // Whether a milestone waits for the run or for one of its tasks. It stands in the row that every completion rewrites and is given
    // back, so that where nothing waits a completion pays nothing. (At the end of runs it would stand behind the definition.)
    `ALTER TABLE run_counters ADD COLUMN milestones INTEGER NOT NULL DEFAULT 0`,

    // The table sessions holds the server processes; these are what people call a session.
    `CREATE TABLE work_sessions (
      id %KEY% PRIMARY KEY,
      name %KEY% NOT NULL,
      mode %KEY% NOT NULL CHECK (${RUN_MODE}),
      max_parallel INTEGER,
      created_at BIGINT NOT NULL,
      created_by %KEY% NOT NULL,
      expires_at BIGINT,
      closed_at BIGINT
    )`,
    `CREATE UNIQUE INDEX work_sessions_open ON work_sessions (name) WHERE closed_at IS NULL`,
    `CREATE TABLE work_session_runs (
      session %KEY% NOT NULL,
      run %KEY% NOT NULL,
      PRIMARY KEY (session, run)
    ) %CLUSTERED%`,
    `CREATE INDEX work_session_runs_by_run ON work_session_runs (run)`,
  ],
};
