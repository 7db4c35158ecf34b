import type { Migration } from "./migration.js";

/** The task that a resolution asked to give way, which is looked up by it: decision 0084. */
export const yields: Migration = {
  version: 47,
  name: "yields",
  statements: [
    "ALTER TABLE conflicts ADD COLUMN yields %KEY%",
    "CREATE INDEX conflicts_yields ON conflicts (yields) WHERE yields IS NOT NULL",
  ],
};
