import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

/** Use of models, and what it cost; budgets of projects, agents and the whole database beside those of runs. */
export const usage: Migration = {
  version: 25,
  name: "usage",
  statements: [
    // sql: values of a list in the code.
    `CREATE TABLE usage_records (
      id %KEY% NOT NULL PRIMARY KEY,
      project %KEY%,
      run %KEY%,
      task %KEY%,
      attempt INTEGER,
      agent %KEY%,
      role %KEY%,
      model TEXT,
      -- UTC, as 2026-01-31.
      day TEXT NOT NULL,
      at BIGINT NOT NULL,
      -- Each token is counted in one of the four.
      input_tokens BIGINT NOT NULL,
      output_tokens BIGINT NOT NULL,
      cached_tokens BIGINT NOT NULL,
      cache_write_tokens BIGINT NOT NULL,
      cost_micros BIGINT NOT NULL,
      price TEXT NOT NULL CHECK (${oneOf("price", ["given", "list_price", "own_price", "unknown"])})
    )`,
    "CREATE INDEX usage_by_run ON usage_records (run)",
    "CREATE INDEX usage_by_project ON usage_records (project, at)",
    "CREATE INDEX usage_by_role ON usage_records (role, at)",
    // Usage that was reported before has no rows: one for each run keeps the sums.
    `INSERT INTO usage_records (id, project, run, day, at, input_tokens, output_tokens, cached_tokens, cache_write_tokens, cost_micros, price)
      SELECT 'usage_before_' || c.run, r.project, c.run, '1970-01-01', r.created_at, 0, 0, 0, 0, c.cost_micros, 'given'
      FROM run_counters c JOIN runs r ON r.id = c.run WHERE c.cost_micros > 0`,
    // The id is that of the run or project, agent:NAME, or global.
    "ALTER TABLE budgets RENAME COLUMN run TO id",
    // sql: the same.
    `ALTER TABLE budgets ADD COLUMN scope TEXT NOT NULL DEFAULT 'run' CHECK (${oneOf("scope", ["run", "project", "agent", "global"])})`,
  ],
};
