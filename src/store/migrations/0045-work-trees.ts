import type { Migration } from "./migration.js";

/** The git work tree that a session works in: decision 0084. Null for none, and for a session older than this column. */
export const workTrees: Migration = {
  version: 45,
  name: "work_trees",
  statements: ["ALTER TABLE sessions ADD COLUMN work_tree TEXT"],
};
