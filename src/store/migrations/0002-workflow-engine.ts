import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const LETTER_STATUS = oneOf("status", ["pending", "replayed", "resolved", "discarded"]);

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

    // Tasks that could not be done, from their end until somebody has dealt with them.
    `CREATE TABLE dead_letters (
      id %KEY% PRIMARY KEY,
      task %KEY% NOT NULL,
      run %KEY% NOT NULL,
      project %KEY% NOT NULL,
      status %KEY% NOT NULL CHECK (${LETTER_STATUS}),
      error TEXT NOT NULL,
      created_at BIGINT NOT NULL,
      closed_at BIGINT,
      closed_by %KEY%,
      note TEXT
    )`,
    `CREATE INDEX dead_letters_by_run ON dead_letters (run, id)`,
    `CREATE INDEX dead_letters_by_project ON dead_letters (project, status, id)`,
  ],
};
