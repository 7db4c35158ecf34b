import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const STATUS = oneOf("status", ["pending", "delivered", "failed", "void", "discarded"]);

/** Notifications of people outside: decision 0077. */
export const notifications: Migration = {
  version: 29,
  name: "notifications",
  statements: [
    // The history has been read up to the cursor, and what a target is told of has become deliveries.
    `CREATE TABLE notification_targets (
      id %KEY% NOT NULL PRIMARY KEY,
      cursor %KEY% NOT NULL,
      read_at BIGINT NOT NULL
    )`,
    // sql: values of a list in the code.
    `CREATE TABLE deliveries (
      id %KEY% NOT NULL PRIMARY KEY,
      target %KEY% NOT NULL,
      -- The question that a decision closes, where it is about one.
      question %KEY%,
      project %KEY%,
      run %KEY%,
      task %KEY%,
      content TEXT NOT NULL,
      status %KEY% NOT NULL CHECK (${STATUS}),
      attempts INTEGER NOT NULL,
      error TEXT,
      created_at BIGINT NOT NULL,
      due_at BIGINT,
      ended_at BIGINT
    )`,
    "CREATE INDEX deliveries_due ON deliveries (target, due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX deliveries_by_question ON deliveries (target, question) WHERE question IS NOT NULL",
    "CREATE INDEX deliveries_by_run ON deliveries (run) WHERE run IS NOT NULL",
    "CREATE INDEX deliveries_by_age ON deliveries (ended_at) WHERE ended_at IS NOT NULL",
  ],
};
