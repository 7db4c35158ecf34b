import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const LOCK_KIND = oneOf("kind", ["file", "directory", "glob"]);
const LOCK_MODE = oneOf("mode", ["exclusive", "shared", "intent"]);
const LOCK_STATE = oneOf("state", ["held", "offered", "queued"]);
const COLUMNS =
  "owner, id, project, request, path, kind, prefix, mode, state, agent, task, session, token, since, expires_at, reason";

/** Locks that keep no one out: decision 0086. SQLite changes a CHECK only with its table. */
export const lockIntents: Migration = {
  version: 41,
  name: "lock_intents",
  statements: [
    { postgres: "ALTER TABLE file_locks DROP CONSTRAINT owned_file_locks_mode_check" },
    { postgres: `ALTER TABLE file_locks ADD CONSTRAINT file_locks_mode_check CHECK (${LOCK_MODE})` },
    {
      sqlite: `CREATE TABLE file_locks_with_intents (
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
    },
    // sql: names of columns.
    { sqlite: `INSERT INTO file_locks_with_intents (${COLUMNS}) SELECT ${COLUMNS} FROM file_locks` },
    { sqlite: `DROP TABLE file_locks` },
    { sqlite: `ALTER TABLE file_locks_with_intents RENAME TO file_locks` },
    { sqlite: `CREATE INDEX file_locks_by_prefix ON file_locks (project, prefix)` },
    {
      sqlite: `CREATE INDEX file_locks_by_request ON file_locks (request) WHERE state <> 'held' OR expires_at IS NOT NULL`,
    },
    {
      sqlite: `CREATE INDEX file_locks_by_agent ON file_locks (agent, project) WHERE state <> 'held' OR expires_at IS NOT NULL`,
    },
    {
      sqlite: `CREATE INDEX file_locks_by_session ON file_locks (session) WHERE session IS NOT NULL AND task IS NULL`,
    },
    { sqlite: `CREATE INDEX file_locks_expiring ON file_locks (expires_at) WHERE expires_at IS NOT NULL` },
  ],
};
