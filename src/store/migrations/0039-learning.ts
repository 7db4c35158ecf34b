import type { Migration } from "./migration.js";

/** Evidence that ended attempts give of agents and types of tasks, and the feedback on them. */
export const learning: Migration = {
  version: 39,
  name: "learning",
  statements: [
    // Sums that fade: each weighs as much as it did at updated_at. No index beside the key: every completion would write it.
    `CREATE TABLE learning_evidence (
      -- AGENT/TYPE.
      id %KEY% NOT NULL PRIMARY KEY,
      agent %KEY% NOT NULL,
      type %KEY% NOT NULL,
      successes DOUBLE PRECISION NOT NULL,
      failures DOUBLE PRECISION NOT NULL,
      durations DOUBLE PRECISION NOT NULL,
      log_sum DOUBLE PRECISION NOT NULL,
      log_squares DOUBLE PRECISION NOT NULL,
      judged DOUBLE PRECISION NOT NULL,
      quality DOUBLE PRECISION NOT NULL,
      costs DOUBLE PRECISION NOT NULL,
      cost_micros DOUBLE PRECISION NOT NULL,
      observations BIGINT NOT NULL,
      updated_at BIGINT NOT NULL
    ) %CLUSTERED%`,
    `CREATE TABLE feedback (
      subject %KEY% NOT NULL,
      author %KEY% NOT NULL,
      agent %KEY% NOT NULL,
      score DOUBLE PRECISION NOT NULL,
      note TEXT,
      at BIGINT NOT NULL,
      PRIMARY KEY (subject, author)
    )`,
    "CREATE INDEX feedback_by_age ON feedback (at)",
  ],
};
