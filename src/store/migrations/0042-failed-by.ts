import type { Migration } from "./migration.js";

/** The agents that failed a task, which others try next: decision 0083. A JSON list; null for none. */
export const failedBy: Migration = {
  version: 42,
  name: "failed_by",
  statements: ["ALTER TABLE demands ADD COLUMN failed_by TEXT"],
};
