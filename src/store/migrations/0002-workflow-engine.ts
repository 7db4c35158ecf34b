import type { Migration } from "./migration.js";

/** What the whole workflow engine keeps beside the foundation. */
export const workflowEngine: Migration = {
  version: 2,
  name: "workflow engine",
  statements: [
    // Events for wait steps that do not wait yet.
    `CREATE TABLE signals (
      id %KEY% PRIMARY KEY,
      run %KEY% NOT NULL,
      task %KEY%,
      event %KEY% NOT NULL,
      payload TEXT NOT NULL,
      created_at BIGINT NOT NULL,
      created_by %KEY% NOT NULL
    )`,
    `CREATE INDEX signals_by_run ON signals (run, event, id)`,
  ],
};
