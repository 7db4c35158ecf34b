import type { Migration } from "./migration.js";

/** Projects inside of each other know the outermost of them, whose files include all of theirs: decision 0048. */
export const nestedProjects: Migration = {
  version: 19,
  name: "nested projects",
  statements: [
    // Null for a project that lies in no other and has no other in it.
    "ALTER TABLE projects ADD COLUMN outermost %KEY%",
    `UPDATE projects SET outermost = (SELECT o.id FROM projects o
       WHERE projects.root <> o.root AND substr(projects.root, 1, length(o.root) + 1) = o.root || '/'
       ORDER BY length(o.root) LIMIT 1)`,
    `UPDATE projects SET outermost = id WHERE id IN (SELECT outermost FROM projects WHERE outermost IS NOT NULL)`,
    "CREATE INDEX projects_outermost ON projects (outermost) WHERE outermost IS NOT NULL",
    // A file set may be parked on a lock of another project: the request alone says which.
    "DROP INDEX scope_lanes_parked",
    "CREATE INDEX scope_lanes_parked ON scope_lanes (parked_on) WHERE parked_on IS NOT NULL",
  ],
};
