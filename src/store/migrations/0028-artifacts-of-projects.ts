import type { Migration } from "./migration.js";

/** Finds artifacts of projects, outside their runs, by age: versions that newer ones have replaced are pruned. */
export const artifactsOfProjects: Migration = {
  version: 28,
  name: "artifacts_of_projects",
  statements: ["CREATE INDEX artifacts_of_projects ON artifacts (project, created_at) WHERE run IS NULL"],
};
