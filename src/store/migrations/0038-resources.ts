import type { Migration } from "./migration.js";
import { oneOf } from "./one-of.js";

const TYPE = oneOf("type", ["cpu", "memory", "gpu", "disk", "custom"]);
const STATE = oneOf("state", ["held", "offered", "waiting"]);

/** Resources that are shared, and who has how much of them: decision 0082. Amounts are thousandths. */
export const resources: Migration = {
  version: 38,
  name: "resources",
  statements: [
    `CREATE TABLE resources (
      id %KEY% NOT NULL PRIMARY KEY,
      type %KEY% NOT NULL CHECK (${TYPE}),
      name TEXT,
      users_max INTEGER,
      host %KEY%,
      registered_by %KEY% NOT NULL,
      updated_at BIGINT NOT NULL
    ) %CLUSTERED%`,
    `CREATE TABLE resource_units (
      resource %KEY% NOT NULL,
      unit %KEY% NOT NULL,
      capacity BIGINT NOT NULL,
      allocated BIGINT NOT NULL,
      PRIMARY KEY (resource, unit),
      CHECK (allocated >= 0 AND allocated <= capacity)
    ) %CLUSTERED%`,
    `CREATE TABLE allocations (
      id %KEY% NOT NULL PRIMARY KEY,
      holder %KEY% NOT NULL,
      made_by %KEY% NOT NULL,
      task %KEY%,
      state %KEY% NOT NULL CHECK (${STATE}),
      priority INTEGER NOT NULL,
      asked_at BIGINT NOT NULL,
      expires_at BIGINT
    ) %CLUSTERED%`,
    "CREATE INDEX allocations_due ON allocations (expires_at) WHERE expires_at IS NOT NULL",
    "CREATE INDEX allocations_waiting ON allocations (asked_at, id) WHERE state = 'waiting'",
    "CREATE INDEX allocations_by_holder ON allocations (holder)",
    "CREATE INDEX allocations_by_task ON allocations (task) WHERE task IS NOT NULL",
    `CREATE TABLE allocation_items (
      allocation %KEY% NOT NULL,
      resource %KEY% NOT NULL,
      unit %KEY% NOT NULL,
      amount BIGINT NOT NULL CHECK (amount > 0),
      PRIMARY KEY (allocation, resource, unit)
    ) %CLUSTERED%`,
    "CREATE INDEX allocation_items_by_resource ON allocation_items (resource)",
    // The one row that every change of allocations locks.
    "CREATE TABLE resource_queue (id INTEGER NOT NULL PRIMARY KEY)",
    "INSERT INTO resource_queue (id) VALUES (1)",
  ],
};
