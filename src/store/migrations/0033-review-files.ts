import type { Migration } from "./migration.js";

/** The files that a diff for a review was made of: it is made again before the review is approved. */
export const reviewFiles: Migration = {
  version: 33,
  name: "review_files",
  statements: ["ALTER TABLE review_bases ADD COLUMN files TEXT"],
};
