import type { Migration } from "./migration.js";

/** Use by each agent, where quotas are set. */
export const quotas: Migration = {
  version: 15,
  name: "quotas",
  statements: [
    // Tasks that an agent added to a run that is not its own, or to a standing run; those of a run are its maker's.
    `CREATE TABLE added_tasks (
      task %KEY% NOT NULL PRIMARY KEY,
      agent %KEY% NOT NULL
    ) %CLUSTERED%`,
    "CREATE INDEX added_tasks_by_agent ON added_tasks (agent, task)",
    // Bytes that an agent, or a connection, has written in its present hour.
    `CREATE TABLE written_bytes (
      writer %KEY% NOT NULL PRIMARY KEY,
      hour BIGINT NOT NULL,
      bytes BIGINT NOT NULL
    ) %CLUSTERED%`,
  ],
};
