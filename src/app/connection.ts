import os from "node:os";
import type { Config } from "../config.js";
import { BatonError } from "../base/errors.js";
import type { Caller } from "../engine/context.js";
import type { NotedChanges } from "../engine/effect.js";
import type { Engine } from "../engine/engine.js";
import type { OwnPrices } from "../base/prices.js";
import type { Settings } from "../base/settings.js";
import { pathOnDisk } from "../runtime/files/real-paths.js";
import { VERSION } from "../runtime/version.js";
import type { Runtime } from "../runtime/runtime.js";
import type { StoreHooks } from "../store/driver/faults.js";
import type { Store } from "../store/tx.js";
import type { DatabaseConfig } from "../config/database.js";
import type { Tracer } from "../traces/tracer.js";
import type { ContentFiles } from "../runtime/files/content-files.js";

export interface ConnectionParts {
  readonly database: Config["database"];
  /** Whether nothing may be written. */
  readonly readOnly: boolean;
  readonly runtime: Runtime;
  /** Faults that a test injects into the database. */
  readonly hooks: StoreHooks | undefined;
  /** In force now. */
  readonly settings: () => Settings;
  /** Own prices of models, over those of the published table. */
  readonly prices: OwnPrices;
  /** Called by a transaction that leaves work due at once. */
  readonly onDue: () => void;
  /** Undefined where no traces are exported. */
  readonly tracer: () => Promise<Tracer | undefined>;
}

/** Binds the engine to a caller. `beforeWrite` is awaited before each command. */
export type BindEngine = (caller: Caller, beforeWrite?: () => Promise<void>) => Engine;

interface Opened {
  readonly store: Store;
  readonly bind: BindEngine;
}

/** The files with large contents of artifacts beside a database; undefined where the database holds them itself. */
export async function contentFilesOf(database: DatabaseConfig): Promise<ContentFiles | undefined> {
  if (database.kind === "postgres") return undefined;
  const { ContentFiles: Files } = await import("../runtime/files/content-files.js");
  return new Files(database.file);
}

/** The connection of this process to its database. The engine is loaded with the driver, when the database is opened. */
export class Connection {
  readonly #parts: ConnectionParts;
  #opened: Promise<Opened> | undefined;
  #closed = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  /** Whether it is open or opening. */
  get isUsed(): boolean {
    return this.#opened !== undefined;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  async store(): Promise<Store> {
    return (await this.#open()).store;
  }

  /** The engine, bound to a caller; see `BindEngine`. */
  async engine(...[caller, beforeWrite]: Parameters<BindEngine>): Promise<Engine> {
    return (await this.#open()).bind(caller, beforeWrite);
  }

  /** Refuses further uses; then runs `last` on the database, where there is one, and closes it. */
  async close(last: (bind: BindEngine) => Promise<void>): Promise<void> {
    this.#closed = true;
    const opened = await this.#opened;
    if (opened === undefined) return;
    try {
      await last(opened.bind);
    } finally {
      await opened.store.close();
    }
  }

  /** Opens the database with the first call. After a failure the next call tries again. */
  #open(): Promise<Opened> {
    if (this.#closed) return Promise.reject(new BatonError("unavailable", "The server is shutting down."));
    this.#opened ??= this.#openEngine().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #openEngine(): Promise<Opened> {
    const { runtime, settings, onDue, prices: own } = this.#parts;
    const [{ effects }, { engineFor }, { PublishedPrices }, { NvidiaGpus }, files, tracer] = await Promise.all([
      import("../engine/effects.js"),
      import("../engine/engine.js"),
      import("../runtime/models/price-list.js"),
      import("../runtime/machine/gpus.js"),
      contentFilesOf(this.#parts.database),
      this.#parts.tracer(),
    ]);
    const store = await this.#openStore();
    const parts = {
      version: VERSION,
      settings,
      now: () => runtime.clock.now(),
      onDue,
      effects,
      findPath: pathOnDisk,
      ...(files && { readContentFile: (hash: string) => files.read(hash) }),
      prices: new PublishedPrices(own),
      onChanges: tracer && ((changes: NotedChanges) => tracer.changed(changes)),
      machine: { cores: os.availableParallelism(), memoryBytes: os.totalmem(), gpus: new NvidiaGpus() },
    };
    return {
      store,
      bind: (caller, beforeWrite) => engineFor(store, caller, { ...parts, ...(beforeWrite && { beforeWrite }) }),
    };
  }

  async #openStore(): Promise<Store> {
    const { database, readOnly, runtime, hooks } = this.#parts;
    const shared = { runtime, readOnly, ...(hooks && { hooks }) };
    if (database.kind === "postgres") {
      const { openPostgres } = await import("../store/postgres/postgres.js");
      return openPostgres({ ...shared, url: database.url, poolSize: database.connections });
    }
    const { openSqliteAtNeed } = await import("../store/sqlite/at-need.js");
    const { file, synchronous, isDefault } = database;
    return openSqliteAtNeed({ ...shared, file, synchronous, makesDirectories: isDefault });
  }
}
