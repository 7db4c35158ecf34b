import type { Migration } from "./migration.js";

/** Figures that the last validation of an artifact has found, such as its line coverage. */
export const artifactFigures: Migration = {
  version: 27,
  name: "artifact_figures",
  statements: ["ALTER TABLE artifacts ADD COLUMN figures TEXT"],
};
