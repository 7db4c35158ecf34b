import type { Migration } from "./migration.js";

/** Tokens of clients at which a person sits, who answers their forms: decision 0100. */
export const attendedTokens: Migration = {
  version: 52,
  name: "attended_tokens",
  statements: ["ALTER TABLE access_tokens ADD COLUMN attended INTEGER NOT NULL DEFAULT 0"],
};
