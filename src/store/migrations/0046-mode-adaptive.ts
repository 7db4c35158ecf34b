import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const RUN_MODE = oneOf("mode", ["standard", "high_performance", "fault_tolerant", "resource_aware", "adaptive"]);
const COLUMNS = "id, name, mode, max_parallel, created_at, created_by, expires_at, closed_at";

/** The mode adaptive of work sessions. SQLite changes a CHECK only with its table. */
export const modeAdaptive: Migration = {
  version: 46,
  name: "mode_adaptive",
  statements: [
    { postgres: "ALTER TABLE work_sessions DROP CONSTRAINT work_sessions_mode_check" },
    { postgres: `ALTER TABLE work_sessions ADD CONSTRAINT work_sessions_mode_check CHECK (${RUN_MODE})` },
    {
      sqlite: `CREATE TABLE work_sessions_with_modes (
      id %KEY% PRIMARY KEY,
      name %KEY% NOT NULL,
      mode %KEY% NOT NULL CHECK (${RUN_MODE}),
      max_parallel INTEGER,
      created_at BIGINT NOT NULL,
      created_by %KEY% NOT NULL,
      expires_at BIGINT,
      closed_at BIGINT
    )`,
    },
    // sql: names of columns.
    { sqlite: `INSERT INTO work_sessions_with_modes (${COLUMNS}) SELECT ${COLUMNS} FROM work_sessions` },
    { sqlite: "DROP TABLE work_sessions" },
    { sqlite: "ALTER TABLE work_sessions_with_modes RENAME TO work_sessions" },
    { sqlite: "CREATE UNIQUE INDEX work_sessions_open ON work_sessions (name) WHERE closed_at IS NULL" },
  ],
};
