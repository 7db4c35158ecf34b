import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const PRESENCE = oneOf("presence", ["present", "silent", "warned", "yielding", "exempt"]);

/** Lost leases, silent agents, and time that a host slept: decision 0036. */
export const liveness: Migration = {
  version: 12,
  name: "liveness",
  statements: [
    // Leases lost in a row and in all, and the session that lost the last of them.
    "ALTER TABLE tasks ADD COLUMN losses INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE tasks ADD COLUMN losses_total INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE tasks ADD COLUMN lost_by %KEY%",
    // Of all attempts; percent is that of the open one.
    "ALTER TABLE tasks ADD COLUMN percent_max INTEGER NOT NULL DEFAULT 0",
    // Of the open attempt.
    "ALTER TABLE tasks ADD COLUMN slept_ms BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE tasks ADD COLUMN progress_note TEXT",
    "CREATE INDEX tasks_losing ON tasks (project, id) WHERE losses > 0 AND ended_at IS NULL",

    // sql: the constants of this file.
    `ALTER TABLE agents ADD COLUMN presence %KEY% NOT NULL DEFAULT 'present' CHECK (${PRESENCE})`,
    // From when on silence counts; null for an agent that was silent and held nothing.
    "ALTER TABLE agents ADD COLUMN heard_at BIGINT",
    "ALTER TABLE agents ADD COLUMN silent_at BIGINT",
    // From when on what it holds goes to who wants it.
    "ALTER TABLE agents ADD COLUMN yields_at BIGINT",
    // Losses by its silence of which it has not been told.
    "ALTER TABLE agents ADD COLUMN lost TEXT",
    // The machine from which it called last.
    "ALTER TABLE agents ADD COLUMN host %KEY%",
    "UPDATE agents SET heard_at = seen_at WHERE name NOT LIKE 'executor-%'",
    "UPDATE agents SET presence = 'exempt' WHERE name LIKE 'executor-%'",
    "CREATE INDEX agents_heard ON agents (heard_at) WHERE presence = 'present' AND heard_at IS NOT NULL",
    "CREATE INDEX agents_silent ON agents (name) WHERE presence IN ('silent', 'warned', 'yielding')",

    // The identity that the client gives its conversation, which outlives the process.
    "ALTER TABLE sessions ADD COLUMN client_session %KEY%",

    // The wall clock of the host when its last sleep was accounted for.
    "ALTER TABLE host_clocks ADD COLUMN woke_at BIGINT NOT NULL DEFAULT 0",

    // Agents that found what they want in the hands of a silent agent. A row counts until its time is over.
    // sql: the constants below.
    `CREATE TABLE wants (
      agent %KEY% NOT NULL,
      kind %KEY% NOT NULL CHECK (${oneOf("kind", ["work", "files"])}),
      project %KEY% NOT NULL,
      wanted TEXT NOT NULL,
      since BIGINT NOT NULL,
      until BIGINT NOT NULL,
      PRIMARY KEY (agent, kind)
    ) %CLUSTERED%`,
  ],
};
