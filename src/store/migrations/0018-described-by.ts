import type { Migration } from "./migration.js";

/** The agent or person that wrote a project's description; null for one that was written before. */
export const describedBy: Migration = {
  version: 18,
  name: "described by",
  statements: ["ALTER TABLE projects ADD COLUMN described_by %KEY%"],
};
