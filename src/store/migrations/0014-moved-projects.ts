import type { Migration } from "./migration.js";

/** Projects know their repository, so that a directory that has moved is found again: decision 0049. */
export const movedProjects: Migration = {
  version: 14,
  name: "moved projects",
  statements: [
    // The git directory of the root, by its identity in the file system; null for a root that is no git root.
    "ALTER TABLE projects ADD COLUMN git_directory TEXT",
    // The directory that it shares with the repository's other worktrees, likewise.
    "ALTER TABLE projects ADD COLUMN repository TEXT",
  ],
};
