import type { Migration } from "./migration.js";

const SUMS = [
  "memories",
  "memory_log_sum",
  "memory_log_squares",
  "cpus",
  "cpu_log_sum",
  "cpu_log_squares",
  "cores_sum",
  "cores_squares",
] as const;

/** Memory and processor time that the commands of a type have taken, beside the other evidence: decision 0091. */
export const consumption: Migration = {
  version: 48,
  name: "consumption",
  statements: SUMS.map(
    // sql: a column of the list.
    (column) => `ALTER TABLE learning_evidence ADD COLUMN ${column} DOUBLE PRECISION NOT NULL DEFAULT 0`,
  ),
};
