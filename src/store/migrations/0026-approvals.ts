import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const STATUS = oneOf("status", ["open", "approved", "approved_with_conditions", "rejected", "void"]);

/** Approvals of artifacts and results, each bound to a hash, and the verdict of an artifact's last validation: decision 0074. */
export const approvals: Migration = {
  version: 26,
  name: "approvals",
  statements: [
    // sql: values of a list in the code.
    `CREATE TABLE approvals (
      id %KEY% NOT NULL PRIMARY KEY,
      project %KEY% NOT NULL,
      run %KEY%,
      task %KEY%,
      -- Null where the result of a task is approved. Otherwise the version that was shown, with its scope and name.
      artifact %KEY%,
      scope %KEY%,
      name TEXT,
      version INTEGER,
      hash TEXT NOT NULL,
      role TEXT NOT NULL,
      reason TEXT,
      status %KEY% NOT NULL CHECK (${STATUS}),
      asked_by %KEY% NOT NULL,
      parties TEXT NOT NULL,
      created_at BIGINT NOT NULL,
      decided_at BIGINT,
      decided_by %KEY%,
      conditions TEXT,
      note TEXT
    )`,
    "CREATE INDEX approvals_by_project ON approvals (project, id)",
    "CREATE INDEX approvals_open ON approvals (id) WHERE decided_at IS NULL",
    "CREATE INDEX approvals_by_scope ON approvals (scope, name) WHERE scope IS NOT NULL",
    "CREATE INDEX approvals_by_task ON approvals (task) WHERE task IS NOT NULL",
    "CREATE INDEX approvals_by_run ON approvals (run) WHERE run IS NOT NULL",
    "CREATE INDEX approvals_by_age ON approvals (decided_at) WHERE run IS NULL AND decided_at IS NOT NULL",
    // sql: the same. Null for an artifact that was never validated.
    `ALTER TABLE artifacts ADD COLUMN verdict TEXT CHECK (${oneOf("verdict", ["passed", "failed", "critical"])})`,
  ],
};
