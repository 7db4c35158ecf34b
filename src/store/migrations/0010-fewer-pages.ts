import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const LOCK_KIND = oneOf("kind", ["file", "directory", "glob"]);
const LOCK_MODE = oneOf("mode", ["exclusive", "shared"]);
const LOCK_STATE = oneOf("state", ["held", "offered", "queued"]);
const COLUMNS =
  "id, project, request, path, kind, prefix, mode, state, agent, task, session, token, since, expires_at, reason";

/** How many numbers of events one row of `event_blocks` stands for. The dialect of SQLite says the same. */
const BLOCK = 64;

/** The pages of SQLite's log that a claim and a completion write: decision 0006. */
export const fewerPages: Migration = {
  version: 10,
  name: "fewer pages",
  statements: [
    // The rows of a task lie together, so its locks need no index of their own. The owner is the task, else the request.
    `CREATE TABLE owned_file_locks (
      owner %KEY% NOT NULL,
      id %KEY% NOT NULL,
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
      reason TEXT,
      PRIMARY KEY (owner, id)
    ) %CLUSTERED%`,
    // sql: names of columns.
    `INSERT INTO owned_file_locks (owner, ${COLUMNS}) SELECT COALESCE(task, request), ${COLUMNS} FROM file_locks`,
    `DROP TABLE file_locks`,
    `ALTER TABLE owned_file_locks RENAME TO file_locks`,
    `CREATE INDEX file_locks_by_prefix ON file_locks (project, prefix)`,
    `CREATE INDEX file_locks_by_request ON file_locks (request) WHERE state <> 'held' OR expires_at IS NOT NULL`,
    `CREATE INDEX file_locks_by_agent ON file_locks (agent, project) WHERE state <> 'held' OR expires_at IS NOT NULL`,
    `CREATE INDEX file_locks_by_session ON file_locks (session) WHERE session IS NOT NULL AND task IS NULL`,
    `CREATE INDEX file_locks_expiring ON file_locks (expires_at) WHERE expires_at IS NOT NULL`,

    // The blocks of numbers in which a run has events: on SQLite a row of it is written for every 64 events, where an entry of an
    // index was for each. PostgreSQL keeps the index: it reads by transaction, and concurrent writers would wait for a row.
    `CREATE TABLE event_blocks (
      of_run %KEY% NOT NULL,
      block BIGINT NOT NULL,
      PRIMARY KEY (of_run, block)
    ) %CLUSTERED%`,
    {
      sqlite: `INSERT INTO event_blocks SELECT DISTINCT run, seq / ${BLOCK} FROM events WHERE run IS NOT NULL`,
    },
    { sqlite: `DROP INDEX events_by_run` },
    {
      sqlite: `CREATE TRIGGER events_in_blocks AFTER INSERT ON events WHEN NEW.run IS NOT NULL BEGIN
        INSERT INTO event_blocks VALUES (NEW.run, NEW.seq / ${BLOCK}) ON CONFLICT DO NOTHING;
      END`,
    },
  ],
};
