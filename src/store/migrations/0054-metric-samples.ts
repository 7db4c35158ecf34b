import type { Migration } from "./migration.js";

/** What there was to do and who was there, from time to time: decision 0101. */
export const metricSamples: Migration = {
  version: 54,
  name: "metric_samples",
  statements: [
    // A sample stands until the next one: where nothing changes, none is added.
    `CREATE TABLE metric_samples (
      at BIGINT NOT NULL PRIMARY KEY,
      figures TEXT NOT NULL
    ) %CLUSTERED%`,
  ],
};
