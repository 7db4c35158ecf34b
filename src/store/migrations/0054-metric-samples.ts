import type { Migration } from "./migration.js";

/** Samples of what there is to do and of who is there: decision 0101. */
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
