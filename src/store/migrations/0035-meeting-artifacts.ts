import type { Migration } from "./migration.js";

/** The artifact that keeps a meeting's positions and decisions. */
export const meetingArtifacts: Migration = {
  version: 35,
  name: "meeting_artifacts",
  statements: ["ALTER TABLE meetings ADD COLUMN artifact TEXT"],
};
