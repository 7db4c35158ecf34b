import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const CHECKPOINT_KIND = oneOf("kind", ["manual", "interval", "gate"]);

/** Copies of runs, from which they are resumed or forked. */
export const checkpoints: Migration = {
  version: 5,
  name: "checkpoints",
  statements: [
    // counts: tasks by state, as JSON. changed_at: when the run had last changed. cursor: what has happened since is read from there.
    `CREATE TABLE checkpoints (
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
    `CREATE INDEX checkpoints_by_run ON checkpoints (run, id)`,

    // Its content, compressed, in pieces of bounded size.
    `CREATE TABLE checkpoint_parts (
      checkpoint %KEY% NOT NULL,
      number INTEGER NOT NULL,
      data TEXT NOT NULL,
      PRIMARY KEY (checkpoint, number)
    )`,

    // When each run was last looked after, by whichever process did so, and as of which change of it; wanted is the label of a
    // checkpoint that a large run waits for.
    `CREATE TABLE checkpoint_turns (
      run %KEY% PRIMARY KEY,
      at BIGINT NOT NULL,
      changed_at BIGINT NOT NULL,
      wanted TEXT
    )`,
    `CREATE INDEX checkpoint_turns_wanted ON checkpoint_turns (run) WHERE wanted IS NOT NULL`,
  ],
};
