import type { Config } from "../config.js";
import { BatonError } from "../base/errors.js";
import type { Caller } from "../engine/context.js";
import type { Engine, EngineParts } from "../engine/engine.js";
import type { Runtime } from "../runtime/runtime.js";
import type { StoreHooks } from "../store/driver/faults.js";
import type { Store } from "../store/tx.js";

export interface ConnectionParts {
  readonly database: Config["database"];
  readonly runtime: Runtime;
  /** Faults that a test injects into the database. */
  readonly hooks: StoreHooks | undefined;
}

type Bind = (store: Store, caller: Caller, parts: Omit<EngineParts, "effects">) => Engine;

/** The connection of this process to its database. The engine is loaded with the driver, when the database is opened. */
export class Connection {
  readonly #parts: ConnectionParts;
  #store: Promise<Store> | undefined;
  #bind: Bind | undefined;
  #closed = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  /** Whether it is open or opening. */
  get isUsed(): boolean {
    return this.#store !== undefined;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Binds the engine over the opened database to a caller. */
  engineFor(...[store, caller, parts]: Parameters<Bind>): Engine {
    if (this.#bind === undefined) throw new Error("the database has not been opened");
    return this.#bind(store, caller, parts);
  }

  /** Opens the database with the first call. After a failure the next call tries again. */
  store(): Promise<Store> {
    if (this.#closed) return Promise.reject(new BatonError("unavailable", "The server is shutting down."));
    this.#store ??= this.#open().catch((error: unknown) => {
      this.#store = undefined;
      throw error;
    });
    return this.#store;
  }

  /** Refuses further uses; then runs `last` on the store, where there is one, and closes it. */
  async close(last: (store: Store) => Promise<void>): Promise<void> {
    this.#closed = true;
    const store = await this.#store;
    if (store === undefined) return;
    try {
      await last(store);
    } finally {
      await store.close();
    }
  }

  async #open(): Promise<Store> {
    const { database, runtime, hooks } = this.#parts;
    const [{ effects }, { engineFor }] = await Promise.all([
      import("../engine/effects.js"),
      import("../engine/engine.js"),
    ]);
    this.#bind = (store, caller, parts) => engineFor(store, caller, { ...parts, effects });
    const shared = { runtime, ...(hooks && { hooks }) };
    if (database.kind === "postgres") {
      const { openPostgres } = await import("../store/postgres/postgres.js");
      return openPostgres({ ...shared, url: database.url, poolSize: database.connections });
    }
    const { openSqlite } = await import("../store/sqlite/sqlite.js");
    return openSqlite({ ...shared, file: database.file, synchronous: database.synchronous });
  }
}
