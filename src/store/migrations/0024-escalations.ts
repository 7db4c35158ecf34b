import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const TYPE = oneOf("type", [
  "error_resolution",
  "ambiguous_requirement",
  "gate_approval",
  "quality_concern",
  "security_review",
  "sensitive_data",
  "budget_override",
]);
const TIER = oneOf("tier", ["agent", "lead", "human"]);
const STATUS = oneOf("status", ["open", "approved", "rejected", "approved_with_conditions", "retry", "paused", "void"]);

/** Questions of agents that climb from agents to leads to a person: decision 0071. */
export const escalations: Migration = {
  version: 24,
  name: "escalations",
  statements: [
    `CREATE TABLE escalations (
      id %KEY% NOT NULL PRIMARY KEY,
      project %KEY% NOT NULL,
      run %KEY%,
      task %KEY%,
      token BIGINT,
      type %KEY% NOT NULL CHECK (${TYPE}),
      title TEXT NOT NULL,
      details TEXT,
      priority INTEGER NOT NULL,
      tier %KEY% NOT NULL CHECK (${TIER}),
      status %KEY% NOT NULL CHECK (${STATUS}),
      asked_by %KEY% NOT NULL,
      parties TEXT NOT NULL,
      created_at BIGINT NOT NULL,
      due_at BIGINT,
      decided_at BIGINT,
      decided_by %KEY%,
      conditions TEXT,
      note TEXT
    )`,
    "CREATE INDEX escalations_due ON escalations (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX escalations_open ON escalations (id) WHERE decided_at IS NULL",
    "CREATE INDEX escalations_by_run ON escalations (run) WHERE run IS NOT NULL",
    "CREATE INDEX escalations_by_age ON escalations (decided_at) WHERE run IS NULL AND decided_at IS NOT NULL",
  ],
};
