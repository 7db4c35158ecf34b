import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const CHECKPOINT_KIND = oneOf("kind", ["manual", "interval", "gate", "phase"]);
const COLUMNS =
  "id, run, project, kind, label, format, hash, bytes, run_status, counts, attempts, cursor, changed_at, taken_at, created_by";

/** Phases of a run: a checkpoint is taken where one begins. */
export const phases: Migration = {
  version: 17,
  name: "phases",
  statements: [
    "ALTER TABLE tasks ADD COLUMN phase %KEY%",
    "CREATE INDEX tasks_by_phase ON tasks (run, phase) WHERE phase IS NOT NULL",
    // The kind of the checkpoint that a large run waits for; null for that of a gate.
    "ALTER TABLE checkpoint_turns ADD COLUMN wanted_kind %KEY%",
    // SQLite cannot change the rule of a column.
    `CREATE TABLE checkpoints_of_phases (
      id %KEY% PRIMARY KEY,
      run %KEY% NOT NULL,
      project %KEY% NOT NULL,
      kind %KEY% NOT NULL CHECK (${CHECKPOINT_KIND}),
      label TEXT,
      format INTEGER NOT NULL,
      hash %KEY% NOT NULL,
      bytes BIGINT NOT NULL,
      run_status %KEY% NOT NULL,
      counts TEXT NOT NULL,
      attempts BIGINT NOT NULL,
      cursor TEXT NOT NULL,
      changed_at BIGINT NOT NULL,
      taken_at BIGINT NOT NULL,
      created_by %KEY% NOT NULL
    )`,
    // sql: names of columns.
    `INSERT INTO checkpoints_of_phases (${COLUMNS}) SELECT ${COLUMNS} FROM checkpoints`,
    "DROP TABLE checkpoints",
    "ALTER TABLE checkpoints_of_phases RENAME TO checkpoints",
    "CREATE INDEX checkpoints_by_run ON checkpoints (run, id)",
  ],
};
