import type { Migration } from "./migration.js";

/** Tasks that are not for whoever worked on others: decision 0041. */
export const takers: Migration = {
  version: 13,
  name: "takers",
  statements: [
    // A JSON list of agents, connections and tasks; null for a demand that any agent may meet.
    "ALTER TABLE demands ADD COLUMN not_by TEXT",
    // The connection under which an attempt was made.
    "ALTER TABLE attempts ADD COLUMN session %KEY%",
    // Tasks that no live agent may take, until a person has decided about them or they are taken.
    `CREATE TABLE takerless (
      task %KEY% NOT NULL PRIMARY KEY,
      detail TEXT NOT NULL,
      asked_at BIGINT NOT NULL
    ) %CLUSTERED%`,
  ],
};
