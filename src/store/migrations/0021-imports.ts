import type { Migration } from "./migration.js";

/** Runs that were made of a plan of another tool remember which, so that importing it again changes them. */
export const imports: Migration = {
  version: 21,
  name: "imports",
  statements: [
    `CREATE TABLE imports (
      run %KEY% NOT NULL PRIMARY KEY,
      project %KEY% NOT NULL,
      format TEXT NOT NULL,
      source TEXT NOT NULL,
      -- For each task its ref in the source, its key in the run, and the digest of what the source said, as JSON.
      tasks TEXT NOT NULL,
      created_at BIGINT NOT NULL,
      updated_at BIGINT NOT NULL
    )`,
    "CREATE INDEX imports_by_source ON imports (project, source)",
  ],
};
