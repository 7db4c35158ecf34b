import type { Migration } from "./migration.js";

/** Questions that are being put to a person at some client, or that a person has put off. */
export const askings: Migration = {
  version: 8,
  name: "askings",
  statements: [
    // The token says which question of the task it is: one that is asked anew is another. Without a session it was put off.
    `CREATE TABLE askings (
      task %KEY% PRIMARY KEY,
      token BIGINT NOT NULL,
      session %KEY%,
      until_at BIGINT NOT NULL
    )`,
  ],
};
