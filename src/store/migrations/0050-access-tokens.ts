import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const ROLES = ["worker", "human", "planner", "reviewer", "lead", "architect", "admin"];

/** Tokens with which callers come in over the network: decision 0095. */
export const accessTokens: Migration = {
  version: 50,
  name: "access_tokens",
  statements: [
    // sql: values of lists in the code.
    `CREATE TABLE access_tokens (
      id %KEY% NOT NULL PRIMARY KEY,
      -- What a program presents, or a browser that a person has signed in with.
      kind %KEY% NOT NULL CHECK (${oneOf("kind", ["program", "browser"])}),
      -- SHA-256 of its secret, in hex.
      hash %KEY% NOT NULL,
      name %KEY% NOT NULL,
      role %KEY% NOT NULL CHECK (${oneOf("role", ROLES)}),
      -- The agents that it may act as, as JSON; null: any.
      agents TEXT,
      -- The token that a browser was signed in with.
      parent %KEY%,
      created_at BIGINT NOT NULL,
      created_by %KEY% NOT NULL,
      expires_at BIGINT,
      revoked_at BIGINT,
      revoked_by %KEY%,
      -- Written at most once an hour.
      used_at BIGINT
    ) %CLUSTERED%`,
    "CREATE INDEX access_tokens_by_parent ON access_tokens (parent) WHERE parent IS NOT NULL",
  ],
};
