import type { Migration } from "./migration.js";

/** The settings of dead letters under their present names. */
export const deadLetterSettings: Migration = {
  version: 9,
  name: "dead letter settings",
  statements: [
    `UPDATE settings SET name = 'dead_' || name
      WHERE name IN ('letter_retention_ms', 'letter_replays', 'letter_replay_delay_ms')`,
    `UPDATE projects SET config = REPLACE(config, '"letter_replays":', '"dead_letter_replays":')`,
  ],
};
