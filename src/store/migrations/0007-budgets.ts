import type { Migration } from "./migration.js";

/** What runs may cost, in millionths of a US dollar: integers, so that sums are exact on both databases. */
export const budgets: Migration = {
  version: 7,
  name: "budgets",
  statements: [
    // spent: by the run and all runs within it. warn_at, block_at: shares of the limit.
    `CREATE TABLE budgets (
      run %KEY% PRIMARY KEY,
      limit_micros BIGINT NOT NULL,
      spent_micros BIGINT NOT NULL,
      warn_at DOUBLE PRECISION NOT NULL,
      block_at DOUBLE PRECISION NOT NULL
    )`,
    // The nearest run, itself or one that it is within, that has a budget.
    `ALTER TABLE runs ADD COLUMN budget_of %KEY%`,
    // 1 for one whose lanes are closed because a budget is spent.
    `ALTER TABLE runs ADD COLUMN over_budget INTEGER NOT NULL DEFAULT 0`,
    // What the attempts of a run's own tasks have cost, with a budget or without.
    `ALTER TABLE run_counters ADD COLUMN cost_micros BIGINT NOT NULL DEFAULT 0`,
  ],
};
