import fs from "node:fs";
import os from "node:os";
import path from "node:path";

export const CONFIG_FILE = "baton.json";
/** In the person's data directory, where nothing else is named. */
export const DATABASE_FILE = "baton.db";

export type DatabaseConfig =
  | {
      readonly kind: "sqlite";
      /** Absolute. */
      readonly file: string;
      readonly synchronous: "FULL" | "NORMAL";
      /** Whether it is the default place, whose directories are made; those of a place that was named are not. */
      readonly isDefault: boolean;
    }
  | { readonly kind: "postgres"; readonly url: string; readonly connections: number };

/** The directories of the person's own configuration and data, as each system has them. */
export function ownDirectories(): { readonly config: string; readonly data: string } {
  const { env, platform } = process;
  const home = os.homedir();
  const named = (variable: string, ...otherwise: string[]) => env[variable] || path.join(home, ...otherwise);
  if (platform === "darwin") {
    const library = path.join(home, "Library");
    return { config: path.join(library, "Preferences/baton"), data: path.join(library, "Application Support/baton") };
  }
  if (platform === "win32") {
    return {
      config: path.join(named("APPDATA", "AppData", "Roaming"), "baton", "Config"),
      data: path.join(named("LOCALAPPDATA", "AppData", "Local"), "baton", "Data"),
    };
  }
  return {
    config: path.join(named("XDG_CONFIG_HOME", ".config"), "baton"),
    data: path.join(named("XDG_DATA_HOME", ".local", "share"), "baton"),
  };
}

/** Whether the database exists already. For PostgreSQL only the server can tell, so the answer is yes. */
export function databaseIsThere({ database }: { readonly database: DatabaseConfig }): boolean {
  return database.kind === "postgres" || fs.existsSync(database.file);
}
