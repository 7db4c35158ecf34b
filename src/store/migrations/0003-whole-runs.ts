import type { Migration } from "./migration.js";

/** What runs as a whole need: lists of what could not be done that cost what they show. */
export const wholeRuns: Migration = {
  version: 3,
  name: "whole runs",
  statements: [
    `DROP INDEX dead_letters_by_project`,
    `CREATE INDEX dead_letters_by_project ON dead_letters (project, id)`,
    `CREATE INDEX dead_letters_by_status ON dead_letters (status, id)`,
  ],
};
