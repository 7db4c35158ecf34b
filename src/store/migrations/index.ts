import { foundation } from "./0001-foundation.js";
import { workflowEngine } from "./0002-workflow-engine.js";
import type { Migration } from "./migration.js";

export const migrations: readonly Migration[] = [foundation, workflowEngine];

export const SCHEMA_VERSION = migrations.length;
