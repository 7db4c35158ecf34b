import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const ON_FAILURE = oneOf("on_failure", ["continue", "stop", "compensate"]);
const STAGE = oneOf("stage", ["stopping", "undoing"]);

/** What runs as a whole need: runs within runs, what becomes of a run that fails, and lists that cost what they show. */
export const wholeRuns: Migration = {
  version: 3,
  name: "whole runs",
  statements: [
    // A definition can be long, and what stands behind it in a row is read through all of it: it gets a table of its own.
    `CREATE TABLE run_definitions (
      run %KEY% PRIMARY KEY,
      definition TEXT NOT NULL
    )`,
    `INSERT INTO run_definitions (run, definition) SELECT id, definition FROM runs WHERE definition IS NOT NULL`,
    `UPDATE runs SET definition = NULL WHERE definition IS NOT NULL`,

    // A child run is waited for by a task of its parent. stage is where a run stands that has failed and goes on to its end.
    `ALTER TABLE runs ADD COLUMN parent_run %KEY%`,
    `ALTER TABLE runs ADD COLUMN parent_task %KEY%`,
    `ALTER TABLE runs ADD COLUMN depth INTEGER NOT NULL DEFAULT 0`,
    `ALTER TABLE runs ADD COLUMN on_failure %KEY% NOT NULL DEFAULT 'continue' CHECK (${ON_FAILURE})`,
    `ALTER TABLE runs ADD COLUMN stage %KEY% CHECK (${STAGE})`,
    `CREATE INDEX runs_children ON runs (parent_run, id) WHERE parent_run IS NOT NULL`,

    `DROP INDEX dead_letters_by_project`,
    `CREATE INDEX dead_letters_by_project ON dead_letters (project, id)`,
    `CREATE INDEX dead_letters_by_status ON dead_letters (status, id)`,
  ],
};
