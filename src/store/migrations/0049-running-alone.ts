import type { Migration } from "./migration.js";

/**
 * Tasks that run alone in their run: decision 0092. A demand says so; the counters say it of the task that was claimed last, so that a run in which one
 * runs gives out no other.
 */
export const runningAlone: Migration = {
  version: 49,
  name: "running_alone",
  statements: [
    "ALTER TABLE demands ADD COLUMN alone INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run_counters ADD COLUMN alone INTEGER NOT NULL DEFAULT 0",
  ],
};
