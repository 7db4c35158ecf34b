import { foundation } from "./0001-foundation.js";
import { workflowEngine } from "./0002-workflow-engine.js";
import { wholeRuns } from "./0003-whole-runs.js";
import { letterReplays } from "./0004-letter-replays.js";
import type { Migration } from "./migration.js";

export const migrations: readonly Migration[] = [foundation, workflowEngine, wholeRuns, letterReplays];

export const SCHEMA_VERSION = migrations.length;
