import type { Migration } from "./migration.js";

/** The one row that every start of a run locks where the number of runs is bounded: decision 0087. */
export const runQueue: Migration = {
  version: 44,
  name: "run_queue",
  statements: ["CREATE TABLE run_queue (id INTEGER NOT NULL PRIMARY KEY)", "INSERT INTO run_queue (id) VALUES (1)"],
};
