import type { Migration } from "./migration.js";

/** The agent or person that wrote a task's texts; null for a task that was made before. */
export const authors: Migration = {
  version: 16,
  name: "authors",
  statements: ["ALTER TABLE tasks ADD COLUMN author %KEY%"],
};
