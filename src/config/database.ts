import fs from "node:fs";
import envPaths from "env-paths";

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

/** The directories of the person's own configuration and data. */
export function ownDirectories(): ReturnType<typeof envPaths> {
  return envPaths("baton", { suffix: "" });
}

/** Whether the database exists already. For PostgreSQL only the server can tell, so the answer is yes. */
export function databaseIsThere({ database }: { readonly database: DatabaseConfig }): boolean {
  return database.kind === "postgres" || fs.existsSync(database.file);
}
