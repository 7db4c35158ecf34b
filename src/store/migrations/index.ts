import { foundation } from "./0001-foundation.js";
import type { Migration } from "./migration.js";

export const migrations: readonly Migration[] = [foundation];

export const SCHEMA_VERSION = migrations.length;
