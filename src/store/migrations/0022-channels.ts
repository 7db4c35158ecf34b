import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const HANDOFF_STATUS = oneOf("status", ["requested", "accepted", "declined", "lapsed", "void"]);
const MEETING_STATUS = oneOf("status", ["open", "closed"]);

/** Messages between agents, handoffs of tasks and meetings: decision 0068. */
export const channels: Migration = {
  version: 22,
  name: "channels",
  statements: [
    // One row, from the first message on: the number of the newest. Its lock makes numbers follow the order of commits.
    `CREATE TABLE message_clock (
      id INTEGER NOT NULL PRIMARY KEY,
      newest BIGINT NOT NULL
    )`,
    // The address is agent:NAME, task:ID, or within a project PROJECT/all, PROJECT/role:NAME or PROJECT/channel:NAME.
    `CREATE TABLE messages (
      seq BIGINT NOT NULL PRIMARY KEY,
      id %KEY% NOT NULL,
      project %KEY% NOT NULL,
      address %KEY% NOT NULL,
      sender %KEY% NOT NULL,
      type %KEY% NOT NULL,
      subject TEXT,
      body TEXT NOT NULL,
      data TEXT,
      task %KEY%,
      run %KEY%,
      reply_to %KEY%,
      thread %KEY% NOT NULL,
      at BIGINT NOT NULL
    )`,
    "CREATE UNIQUE INDEX messages_by_id ON messages (id)",
    "CREATE INDEX messages_by_address ON messages (address, seq)",
    "CREATE INDEX messages_by_task ON messages (task, seq) WHERE task IS NOT NULL",
    "CREATE INDEX messages_by_run ON messages (run) WHERE run IS NOT NULL",
    "CREATE INDEX messages_by_age ON messages (project, at)",
    // Acknowledgements of agents, each as long as its message is there.
    `CREATE TABLE message_acks (
      agent %KEY% NOT NULL,
      seq BIGINT NOT NULL,
      PRIMARY KEY (agent, seq)
    ) %CLUSTERED%`,
    "CREATE INDEX message_acks_by_seq ON message_acks (seq)",
    // An agent that has read a channel or written to it: messages that are newer than since are unread to it.
    `CREATE TABLE channel_members (
      agent %KEY% NOT NULL,
      address %KEY% NOT NULL,
      since BIGINT NOT NULL,
      PRIMARY KEY (agent, address)
    ) %CLUSTERED%`,
    // Roles that an agent has offered in claims beside those it registered: their messages are its own too.
    "ALTER TABLE agents ADD COLUMN offered_roles TEXT",
    // Up to this message none of a project waited for the agent when it was last counted; null: not counted yet.
    "ALTER TABLE agents ADD COLUMN messages_seen BIGINT",
    "ALTER TABLE agents ADD COLUMN messages_project %KEY%",
    `CREATE TABLE handoffs (
      id %KEY% NOT NULL PRIMARY KEY,
      project %KEY% NOT NULL,
      run %KEY% NOT NULL,
      task %KEY% NOT NULL,
      token BIGINT NOT NULL,
      sender %KEY% NOT NULL,
      recipient %KEY% NOT NULL,
      reason TEXT NOT NULL,
      context TEXT,
      artifacts TEXT,
      status %KEY% NOT NULL CHECK (${HANDOFF_STATUS}),
      created_at BIGINT NOT NULL,
      expires_at BIGINT NOT NULL,
      ended_at BIGINT,
      note TEXT
    )`,
    "CREATE UNIQUE INDEX handoffs_open ON handoffs (task) WHERE status = 'requested'",
    "CREATE INDEX handoffs_due ON handoffs (expires_at) WHERE status = 'requested'",
    "CREATE INDEX handoffs_by_run ON handoffs (run)",
    `CREATE TABLE meetings (
      id %KEY% NOT NULL PRIMARY KEY,
      project %KEY% NOT NULL,
      run %KEY%,
      task %KEY%,
      topic TEXT NOT NULL,
      convener %KEY% NOT NULL,
      participants TEXT NOT NULL,
      agenda TEXT NOT NULL,
      decisions TEXT,
      status %KEY% NOT NULL CHECK (${MEETING_STATUS}),
      reason TEXT,
      created_at BIGINT NOT NULL,
      closes_at BIGINT NOT NULL,
      closed_at BIGINT,
      closed_by %KEY%
    )`,
    "CREATE INDEX meetings_due ON meetings (closes_at) WHERE status = 'open'",
    "CREATE INDEX meetings_by_run ON meetings (run) WHERE run IS NOT NULL",
    `CREATE TABLE meeting_posts (
      meeting %KEY% NOT NULL,
      number INTEGER NOT NULL,
      agent %KEY% NOT NULL,
      item INTEGER NOT NULL,
      position TEXT NOT NULL,
      at BIGINT NOT NULL,
      PRIMARY KEY (meeting, number)
    ) %CLUSTERED%`,
  ],
};
