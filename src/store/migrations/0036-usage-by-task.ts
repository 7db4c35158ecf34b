import type { Migration } from "./migration.js";

/** Records of a run by their task: history tells by it which tasks have older records than those that it reads. */
export const usageByTask: Migration = {
  version: 36,
  name: "usage_by_task",
  statements: ["DROP INDEX usage_by_run", "CREATE INDEX usage_by_task ON usage_records (run, task, id)"],
};
