import { coordinationTables } from "./0001-coordination.js";
import { workTables } from "./0001-work.js";
import type { Migration } from "./migration.js";

/**
 * The foundation. Tables lead with project or run, so that the data can be spread by it. Instants and durations are
 * milliseconds; JSON is text; a `%KEY%` column compares by bytes on both databases.
 */
export const foundation: Migration = {
  version: 1,
  name: "foundation",
  statements: [...workTables, ...coordinationTables],
};
