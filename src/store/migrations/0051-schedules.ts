import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const MISSED = oneOf("missed", ["skip", "once", "all"]);

/** Workflows that start by themselves, by a cron expression: decision 0098. */
export const schedules: Migration = {
  version: 51,
  name: "schedules",
  statements: [
    `CREATE TABLE schedules (
      id %KEY% PRIMARY KEY,
      project %KEY% NOT NULL,
      name %KEY% NOT NULL,
      workflow %KEY% NOT NULL,
      cron %KEY% NOT NULL,
      timezone %KEY% NOT NULL,
      missed %KEY% NOT NULL CHECK (${MISSED}),
      may_overlap INTEGER NOT NULL,
      inputs TEXT NOT NULL,
      options TEXT NOT NULL,
      next_at BIGINT,
      last_at BIGINT,
      last_run %KEY%,
      last_error TEXT,
      failures INTEGER NOT NULL,
      created_at BIGINT NOT NULL,
      created_by %KEY% NOT NULL,
      UNIQUE (project, name)
    )`,
    // A paused one has no next start.
    `CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL`,
  ],
};
