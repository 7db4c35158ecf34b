import type { Migration } from "./migration.js";

/** Dead letters that are tried again without being asked, and that go when they have been closed for long. */
export const letterReplays: Migration = {
  version: 6,
  name: "letter replays",
  statements: [
    // When a pending one is tried again by itself.
    `ALTER TABLE dead_letters ADD COLUMN due_at BIGINT`,
    // 1 for one that was.
    `ALTER TABLE dead_letters ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0`,
    `CREATE INDEX dead_letters_by_due ON dead_letters (due_at) WHERE due_at IS NOT NULL`,
    `CREATE INDEX dead_letters_automatic ON dead_letters (task) WHERE automatic = 1`,
    `CREATE INDEX dead_letters_by_close ON dead_letters (closed_at) WHERE closed_at IS NOT NULL`,
  ],
};
