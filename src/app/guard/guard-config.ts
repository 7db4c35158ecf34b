import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { isObject } from "../../base/json.js";
import { defaultSettings } from "../../base/settings/defaults.js";
import type { Config } from "../../config.js";
import { CONFIG_FILE, DATABASE_FILE, type DatabaseConfig, ownDirectories } from "../../config/database.js";
import { parseJsonc } from "../../config/jsonc.js";
import { absolutePath } from "../../config/paths.js";
import { readRepositoryFile } from "../../config/repository-file.js";

export type GuardConfig = Pick<Config, "database" | "settings">;

/** Variables that are no settings, or that a guard does not use, and those that choose the database. */
const UNCHECKED: ReadonlySet<string> = new Set([
  "BATON_AGENT",
  "BATON_TOOLSETS",
  "BATON_ALLOW_COMMANDS",
  "BATON_LOG_LEVEL",
  "BATON_DB",
  "BATON_DATABASE_URL",
]);
const POSTGRES = /^postgres(?:ql)?:\/\//;

/**
 * Reads the configuration that a guard uses. Most people have none, or name a database in the environment: there is nothing to be
 * checked then, and zod, which checks it otherwise, is not loaded.
 */
export async function guardConfig(cwd: string, db?: string): Promise<GuardConfig> {
  const database = hasSettings(cwd) ? undefined : chosenDatabase(cwd, db);
  if (database !== undefined) return { database, settings: defaultSettings };
  const { loadConfig } = await import("../../config.js");
  return loadConfig({ flags: { db }, env: process.env, cwd });
}

/** Whether anything but a database in the environment is configured. */
function hasSettings(cwd: string): boolean {
  const { env } = process;
  const isSet = Object.keys(env).some((name) => name.startsWith("BATON_") && env[name] !== "" && !UNCHECKED.has(name));
  return isSet || existsSync(ownFile()) || readRepositoryFile(cwd, CONFIG_FILE).found !== undefined;
}

function ownFile(): string {
  return path.join(ownDirectories().config, CONFIG_FILE);
}

/**
 * The database that `loadConfig` would choose, without a check of the other settings: by the flag, the environment, or the person's own
 * file. Undefined where only the whole check can tell.
 */
export function chosenDatabase(cwd: string, db: string | undefined): DatabaseConfig | undefined {
  if (db !== undefined) return sqlite(absolutePath({ name: "db", text: db, origin: "flag --db", base: cwd }), false);
  const written = ownChoice();
  if (written === undefined) return undefined;
  const { BATON_DB: file = "", BATON_DATABASE_URL: typed = "" } = process.env;
  const url = typed === "" ? (written["database_url"] ?? "") : typed;
  if (typeof url !== "string") return undefined;
  if (POSTGRES.test(url)) return { kind: "postgres", url, connections: 1 };
  if (url !== "") return undefined;
  if (file !== "")
    return sqlite(absolutePath({ name: "db", text: file, origin: "environment BATON_DB", base: undefined }), false);
  const { db: place } = written;
  if (place === undefined) return sqlite(path.join(ownDirectories().data, DATABASE_FILE), true);
  if (typeof place !== "string") return undefined;
  const base = path.dirname(ownFile());
  return sqlite(absolutePath({ name: "db", text: place, origin: ownFile(), base }), false);
}

/** The person's own file as it is written; empty where there is none, undefined where it cannot be read. */
function ownChoice(): Readonly<Record<string, unknown>> | undefined {
  if (!existsSync(ownFile())) return {};
  try {
    const written = parseJsonc(readFileSync(ownFile(), "utf8"));
    return isObject(written) ? written : undefined;
  } catch {
    // The whole check says what is wrong with it.
    return undefined;
  }
}

function sqlite(file: string, isDefault: boolean): DatabaseConfig {
  return { kind: "sqlite", file, synchronous: "FULL", isDefault };
}
