import type { Migration } from "./migration.js";

/** Records of no run by their age: each tick looks for those whose retention is over. */
export const usageByAge: Migration = {
  version: 34,
  name: "usage_by_age",
  statements: ["CREATE INDEX usage_by_age ON usage_records (at) WHERE run IS NULL"],
};
