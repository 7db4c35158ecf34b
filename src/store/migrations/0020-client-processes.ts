import type { Migration } from "./migration.js";

/** Sessions know the process of the client that started their server, so that a hook of that client finds them. */
export const clientProcesses: Migration = {
  version: 20,
  name: "client processes",
  // Pid and start, as `processKey` writes them; null where the process is not known. `sessions_by_host` finds them.
  statements: ["ALTER TABLE sessions ADD COLUMN client_process %KEY%"],
};
