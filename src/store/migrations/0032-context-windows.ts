import type { Migration } from "./migration.js";

/** Windows of what an agent has in mind, with a number of tokens that each must not exceed: decision 0075. */
export const contextWindows: Migration = {
  version: 32,
  name: "context windows",
  statements: [
    `CREATE TABLE context_windows (
      id %KEY% NOT NULL PRIMARY KEY,
      project %KEY% NOT NULL,
      agent %KEY% NOT NULL,
      name %KEY% NOT NULL,
      -- It goes with an accepted handoff of this task.
      task %KEY%,
      -- Its tokens are those of this model's family.
      model TEXT,
      token_limit BIGINT NOT NULL,
      tokens BIGINT NOT NULL,
      -- How many messages it holds: those that get_context shows.
      messages INTEGER NOT NULL,
      last_number BIGINT NOT NULL,
      compactions INTEGER NOT NULL,
      created_at BIGINT NOT NULL,
      updated_at BIGINT NOT NULL
    )`,
    "CREATE UNIQUE INDEX context_windows_by_name ON context_windows (agent, project, name)",
    "CREATE INDEX context_windows_by_task ON context_windows (task) WHERE task IS NOT NULL",
    "CREATE INDEX context_windows_by_age ON context_windows (project, updated_at)",
    `CREATE TABLE context_messages (
      context_window %KEY% NOT NULL,
      number BIGINT NOT NULL,
      agent %KEY% NOT NULL,
      role TEXT NOT NULL,
      kind TEXT NOT NULL,
      name TEXT,
      language TEXT,
      -- Of its content, in artifact_contents.
      hash %KEY% NOT NULL,
      bytes BIGINT NOT NULL,
      content_tokens BIGINT NOT NULL,
      -- What stands in its place since it was compacted, and by whom: the server's extract, or the agent.
      summary TEXT,
      summary_by TEXT,
      -- Of what stands there now.
      tokens BIGINT NOT NULL,
      -- 1: it is left out of the window.
      dropped INTEGER NOT NULL CHECK (dropped IN (0, 1)),
      at BIGINT NOT NULL,
      PRIMARY KEY (context_window, number)
    )`,
    "CREATE INDEX context_messages_by_hash ON context_messages (hash)",
  ],
};
