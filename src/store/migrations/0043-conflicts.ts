import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const KINDS = [
  "lock_contention",
  "overlapping_scopes",
  "wait_cycle",
  "resources",
  "deadline",
  "unlocked_edit",
  "merge",
];

/** Conflicts that were found, how they were resolved and what came of it, and the strategies: decision 0084. */
export const conflicts: Migration = {
  version: 43,
  name: "conflicts",
  statements: [
    // sql: values of lists in the code.
    `CREATE TABLE conflicts (
      id %KEY% NOT NULL PRIMARY KEY,
      -- The hash of what makes it the same conflict when it is found again.
      identity %KEY% NOT NULL,
      project %KEY% NOT NULL,
      run %KEY%,
      kind %KEY% NOT NULL CHECK (${oneOf("kind", KINDS)}),
      status %KEY% NOT NULL CHECK (${oneOf("status", ["open", "resolved", "escalated", "gone"])}),
      -- As JSON.
      parties TEXT NOT NULL,
      detail TEXT NOT NULL,
      found_at BIGINT NOT NULL,
      seen_at BIGINT NOT NULL,
      -- When the tick looks: an open one is escalated, the outcome of a resolved one is taken.
      due_at BIGINT,
      strategy %KEY%,
      decision TEXT,
      reason TEXT,
      -- As JSON.
      alternatives TEXT,
      decided_by %KEY%,
      decided_at BIGINT,
      -- The time that its tasks were to take when it was decided, and that passed until both had ended.
      expected_ms BIGINT,
      elapsed_ms BIGINT,
      escalation %KEY%
    ) %CLUSTERED%`,
    "CREATE UNIQUE INDEX conflicts_by_identity ON conflicts (identity)",
    "CREATE INDEX conflicts_due ON conflicts (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX conflicts_by_project ON conflicts (project, id)",
    `CREATE TABLE conflict_strategies (
      -- everything, project:ID or kind:KIND.
      scope %KEY% NOT NULL PRIMARY KEY,
      strategy %KEY% NOT NULL,
      set_by %KEY% NOT NULL,
      set_at BIGINT NOT NULL
    ) %CLUSTERED%`,
    `CREATE TABLE strategy_evidence (
      kind %KEY% NOT NULL,
      strategy %KEY% NOT NULL,
      -- Thousandths: a resolution that lost half of the time is half a success.
      successes BIGINT NOT NULL,
      failures BIGINT NOT NULL,
      updated_at BIGINT NOT NULL,
      PRIMARY KEY (kind, strategy)
    ) %CLUSTERED%`,
  ],
};
