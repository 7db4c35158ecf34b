import { existsSync } from "node:fs";
import path from "node:path";
import { defaultSettings } from "../../base/settings/defaults.js";
import type { Config } from "../../config.js";
import { CONFIG_FILE, DATABASE_FILE, type DatabaseConfig, ownDirectories } from "../../config/database.js";
import { absolutePath } from "../../config/paths.js";
import { readRepositoryFile } from "../../config/repository-file.js";

export type GuardConfig = Pick<Config, "database" | "settings">;

/** Variables that are no settings, or that a guard does not use. */
const IGNORED: ReadonlySet<string> = new Set([
  "BATON_AGENT",
  "BATON_TOOLSETS",
  "BATON_ALLOW_COMMANDS",
  "BATON_LOG_LEVEL",
]);
const POSTGRES = /^postgres(?:ql)?:\/\//;

/**
 * Reads the configuration that a guard uses. Most people have none, or name a database in the environment: there is nothing to be
 * checked then, and zod, which checks it otherwise, is not loaded.
 */
export async function guardConfig(cwd: string, db?: string): Promise<GuardConfig> {
  const database = plainDatabase(cwd, db);
  if (database !== undefined) return { database, settings: defaultSettings };
  const { loadConfig } = await import("../../config.js");
  return loadConfig({ flags: { db }, env: process.env, cwd });
}

/** The database, where nothing but its place is configured. */
function plainDatabase(cwd: string, db: string | undefined): DatabaseConfig | undefined {
  const { env } = process;
  const own = ownDirectories();
  const given = Object.keys(env).filter((name) => name.startsWith("BATON_") && env[name] !== "" && !IGNORED.has(name));
  const isPlain = given.every((name) => name === "BATON_DB" || name === "BATON_DATABASE_URL") && given.length < 2;
  if (!isPlain || existsSync(path.join(own.config, CONFIG_FILE)) || readRepositoryFile(cwd, CONFIG_FILE).found) return;
  if (db !== undefined) return sqlite(absolutePath({ name: "db", text: db, origin: "flag --db", base: cwd }), false);
  const { BATON_DB: file = "", BATON_DATABASE_URL: url = "" } = env;
  if (POSTGRES.test(url)) return { kind: "postgres", url, connections: 1 };
  if (url !== "") return;
  if (file === "") return sqlite(path.join(own.data, DATABASE_FILE), true);
  return sqlite(absolutePath({ name: "db", text: file, origin: "environment BATON_DB", base: undefined }), false);
}

function sqlite(file: string, isDefault: boolean): DatabaseConfig {
  return { kind: "sqlite", file, synchronous: "FULL", isDefault };
}
