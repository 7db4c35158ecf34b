import type { Migration } from "./migration.js";

/** Resources that tasks require: decision 0082. JSON; null for a demand that requires none. */
export const requiredResources: Migration = {
  version: 40,
  name: "required_resources",
  statements: ["ALTER TABLE demands ADD COLUMN resources TEXT"],
};
