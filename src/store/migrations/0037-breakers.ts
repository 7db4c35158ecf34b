import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

/** Circuit breakers of agents and, as `server:NAME`, of MCP servers: decision 0083. */
export const breakers: Migration = {
  version: 37,
  name: "breakers",
  statements: [
    // sql: values of a list in the code.
    `CREATE TABLE circuit_breakers (
      -- agent:NAME.
      target %KEY% NOT NULL PRIMARY KEY,
      state %KEY% NOT NULL CHECK (${oneOf("state", ["closed", "open", "half_open"])}),
      -- 1 where successes say nothing new: closed, and without a failure in its window.
      clean INTEGER NOT NULL,
      failures INTEGER NOT NULL,
      -- The latest outcomes in its window, as JSON.
      recent TEXT NOT NULL,
      opens INTEGER NOT NULL,
      -- Openings since it was closed last: each waits longer for its trial.
      opens_in_row INTEGER NOT NULL,
      opened_at BIGINT,
      retry_at BIGINT,
      -- The task of the trial, where one has begun.
      trial %KEY%,
      changed_at BIGINT NOT NULL
    ) %CLUSTERED%`,
  ],
};
