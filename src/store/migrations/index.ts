import { foundation } from "./0001-foundation.js";

/** A step of the schema: forward only, expand-only within a major version, never edited after it has landed. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}

export const migrations: readonly Migration[] = [foundation];

export const SCHEMA_VERSION = migrations.length;
