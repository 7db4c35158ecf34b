import type { Migration } from "./migration.js";

/** Named outputs of tasks, and their contents by hash: a content is kept once, however many names and versions it has. */
export const artifacts: Migration = {
  version: 23,
  name: "artifacts",
  statements: [
    `CREATE TABLE artifact_contents (
      hash %KEY% NOT NULL PRIMARY KEY,
      bytes BIGINT NOT NULL,
      -- 1: a file beside the database holds it, else rows of artifact_parts.
      in_file INTEGER NOT NULL CHECK (in_file IN (0, 1)),
      -- 1: an artifact of it was removed, and it may have no other.
      unused INTEGER NOT NULL CHECK (unused IN (0, 1)),
      made_by %KEY% NOT NULL
    )`,
    "CREATE INDEX artifact_contents_unused ON artifact_contents (hash) WHERE unused = 1",
    `CREATE TABLE artifact_parts (
      hash %KEY% NOT NULL,
      number INTEGER NOT NULL,
      data TEXT NOT NULL,
      PRIMARY KEY (hash, number)
    )`,
    `CREATE TABLE artifacts (
      id %KEY% NOT NULL PRIMARY KEY,
      project %KEY% NOT NULL,
      run %KEY%,
      task %KEY%,
      -- The run, else the project: names and versions are counted within it.
      scope %KEY% NOT NULL,
      name TEXT NOT NULL,
      version INTEGER NOT NULL,
      type TEXT NOT NULL,
      is_text INTEGER NOT NULL CHECK (is_text IN (0, 1)),
      hash %KEY% NOT NULL,
      bytes BIGINT NOT NULL,
      -- Where it was read from, relative to the project's root.
      path TEXT,
      attempt INTEGER,
      created_by TEXT NOT NULL,
      created_at BIGINT NOT NULL,
      -- 1: its run was taken back to a checkpoint that does not have it.
      superseded INTEGER NOT NULL CHECK (superseded IN (0, 1))
    )`,
    "CREATE UNIQUE INDEX artifacts_by_name ON artifacts (scope, name, version)",
    "CREATE INDEX artifacts_by_project ON artifacts (project, id)",
    "CREATE INDEX artifacts_by_run ON artifacts (run) WHERE run IS NOT NULL",
    "CREATE INDEX artifacts_by_task ON artifacts (task) WHERE task IS NOT NULL",
    "CREATE INDEX artifacts_by_hash ON artifacts (hash)",
  ],
};
