import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const TIER = oneOf("tier", ["execution", "lead", "architect", "human"]);
const VERDICT = oneOf("verdict", ["approve", "revise", "reject"]);

/** Reviews of tasks by others, and the commits from which work that is to be reviewed began: decision 0073. */
export const reviews: Migration = {
  version: 30,
  name: "reviews",
  statements: [
    // A row per task of a reviewer. Whether it is open, that task says.
    `CREATE TABLE reviews (
      id %KEY% NOT NULL PRIMARY KEY,
      project %KEY% NOT NULL,
      run %KEY% NOT NULL,
      task %KEY%,
      attempt INTEGER NOT NULL,
      round INTEGER NOT NULL,
      tier %KEY% NOT NULL CHECK (${TIER}),
      role %KEY%,
      -- 1: the verdict decides the state of the reviewed task.
      binding INTEGER NOT NULL CHECK (binding IN (0, 1)),
      author %KEY%,
      requested_by %KEY% NOT NULL,
      criteria TEXT,
      artifact %KEY%,
      hash %KEY%,
      commit_id TEXT,
      -- Why there is no diff.
      no_diff TEXT,
      created_at BIGINT NOT NULL,
      verdict %KEY% CHECK (verdict IS NULL OR ${VERDICT}),
      reviewer %KEY%,
      critique TEXT,
      findings TEXT,
      decided_at BIGINT
    )`,
    "CREATE INDEX reviews_by_task ON reviews (task) WHERE task IS NOT NULL",
    "CREATE INDEX reviews_by_run ON reviews (run)",
    "CREATE INDEX reviews_by_project ON reviews (project, id)",
    `CREATE TABLE review_bases (
      task %KEY% NOT NULL PRIMARY KEY,
      root TEXT NOT NULL,
      commit_id TEXT,
      at BIGINT NOT NULL
    )`,
  ],
};
