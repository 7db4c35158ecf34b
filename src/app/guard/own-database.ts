import { databaseIsThere } from "../../config/database.js";
import type { HookOrigin } from "../../engine/guard/hook-origin.js";
import { systemRuntime } from "../../runtime/runtime.js";
import type { Store } from "../../store/tx.js";
import { type GuardConfig, guardConfig } from "./guard-config.js";
import type { HookAsks } from "./hook-asks.js";
import { hookDatabase, hookEngine } from "./hook-database.js";

const BUSY_MS = 1_000;

/** Opens the database in this process for what a hook asks. Undefined where there is no database, and so nothing is held. */
export async function askOwnDatabase<T>(
  place: { readonly cwd: string; readonly db?: string | undefined },
  origin: () => Promise<HookOrigin>,
  ask: (database: HookAsks) => Promise<T>,
): Promise<T | undefined> {
  const config = await guardConfig(place.cwd, place.db);
  if (!databaseIsThere(config)) return undefined;
  // On macOS a process lists the processes above: it runs while the database is opened.
  const looked = origin();
  const store = await openStore(config);
  try {
    return await ask(
      hookDatabase(
        hookEngine(store, () => config.settings),
        await looked,
      ),
    );
  } finally {
    await store.close();
  }
}

async function openStore({ database }: GuardConfig): Promise<Store> {
  const shared = { runtime: systemRuntime(), busyMs: BUSY_MS };
  if (database.kind === "postgres") {
    const { openPostgres } = await import("../../store/postgres/postgres.js");
    return openPostgres({ ...shared, url: database.url, poolSize: 1 });
  }
  const { openSqlite } = await import("../../store/sqlite/sqlite.js");
  return openSqlite({ ...shared, file: database.file, synchronous: database.synchronous });
}
