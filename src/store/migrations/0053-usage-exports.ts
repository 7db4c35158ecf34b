import type { Migration } from "./migration.js";

/** Usage that clients export themselves, by OTLP: decision 0103. */
export const usageExports: Migration = {
  version: 53,
  name: "usage_exports",
  statements: [
    // How far each conversation's exports have been booked, so that none is booked twice.
    `CREATE TABLE usage_exports (
      session %KEY% NOT NULL,
      model %KEY% NOT NULL,
      updated_at BIGINT NOT NULL,
      ledger TEXT NOT NULL,
      PRIMARY KEY (session, model)
    ) %CLUSTERED%`,
    "ALTER TABLE usage_records ADD COLUMN exported INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX sessions_by_client ON sessions (client_session) WHERE client_session IS NOT NULL",
  ],
};
