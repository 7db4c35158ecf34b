import type { Migration } from "./migration.js";

/** Questions to raise a budget that is spent: decision 0078. */
export const budgetOverrides: Migration = {
  version: 31,
  name: "budget overrides",
  statements: [
    // The budget that its approval raises.
    "ALTER TABLE escalations ADD COLUMN budget %KEY%",
    "CREATE INDEX escalations_by_budget ON escalations (budget) WHERE budget IS NOT NULL AND decided_at IS NULL",
    // When the tick is to look whether raising it has to be asked, and the project whose cost has blocked it.
    "ALTER TABLE budgets ADD COLUMN ask_at BIGINT",
    "ALTER TABLE budgets ADD COLUMN ask_project %KEY%",
    "CREATE INDEX budgets_to_ask ON budgets (ask_at) WHERE ask_at IS NOT NULL",
  ],
};
