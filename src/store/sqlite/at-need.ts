import fs from "node:fs";
import path from "node:path";
import { BatonError } from "../../base/errors.js";
import { readOnlyDatabase } from "../driver/read-only.js";
import type { Store, StoreInfo, TransactOptions, Tx, TxContext } from "../tx.js";
import { emptySqlite, openSqlite, type SqliteOptions } from "./sqlite.js";

export interface SqliteAtNeed extends SqliteOptions {
  /** Whether missing directories are made too: those of the default place are, those of a place that was named are a slip. */
  readonly makesDirectories: boolean;
}

/**
 * Opens the file; one that is not there yet is made by the first command, never by a query. Throws `unavailable` where
 * the file cannot be used, or its directory is not there.
 */
export async function openSqliteAtNeed(options: SqliteAtNeed): Promise<Store> {
  if (fs.existsSync(options.file)) return openSqlite(options);
  const directory = path.dirname(options.file);
  if (!options.makesDirectories && !fs.existsSync(directory)) throw noDirectory(options.file, directory);
  return new UnmadeSqlite(options);
}

function noDirectory(file: string, directory: string): BatonError {
  const message = `The database file ${file} cannot be used: there is no directory ${directory}. Make it, or name another file with BATON_DB.`;
  return new BatonError("unavailable", message, { details: { file, reason: "no_directory" } });
}

/** Whether the file has come is asked this often, while a listener waits. */
const POLL_MS = 250;

/** The store of a file that is not there yet: queries find nothing in it. */
class UnmadeSqlite implements Store {
  readonly info: StoreInfo;
  readonly #options: SqliteAtNeed;
  readonly #empty: Store;
  /** Each with what stops it, once the file's store has it. */
  readonly #listeners = new Map<() => void, (() => void) | undefined>();
  #made: Promise<Store> | undefined;
  #poll: NodeJS.Timeout | undefined;

  constructor(options: SqliteAtNeed) {
    this.#options = options;
    this.#empty = emptySqlite(options);
    this.info = this.#empty.info;
  }

  async transact<T>(command: (ctx: TxContext) => Tx<T>, options?: TransactOptions): Promise<T> {
    if (this.#options.readOnly === true) throw readOnlyDatabase();
    return (await this.#make()).transact(command, options);
  }

  async read<T>(query: (ctx: TxContext) => Tx<T>): Promise<T> {
    return (await this.#current()).read(query);
  }

  async snapshot<T>(query: (ctx: TxContext) => Tx<T>): Promise<T> {
    const store = await this.#current();
    return store === this.#empty ? store.read(query) : store.snapshot(query);
  }

  onWake(listener: () => void): () => void {
    this.#listeners.set(listener, undefined);
    if (this.#made === undefined) this.#poll ??= setInterval(() => this.#lookForFile(), POLL_MS).unref();
    else this.#made.then((store) => this.#pass(store, listener), ignoreOpening);
    return () => {
      this.#listeners.get(listener)?.();
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stopPolling();
    };
  }

  async reclaim(): Promise<boolean> {
    return (await this.#current()).reclaim();
  }

  async close(): Promise<void> {
    this.#stopPolling();
    await this.#empty.close();
    await this.#made?.then((store) => store.close(), ignoreOpening);
  }

  /** Returns the file's store once it is there, whichever process made it. */
  #current(): Promise<Store> {
    if (this.#made === undefined && !fs.existsSync(this.#options.file)) return Promise.resolve(this.#empty);
    return this.#make();
  }

  #make(): Promise<Store> {
    this.#made ??= this.#openFile().catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
    return this.#made;
  }

  async #openFile(): Promise<Store> {
    const store = await openSqlite(this.#options);
    this.#stopPolling();
    for (const listener of this.#listeners.keys()) this.#pass(store, listener);
    return store;
  }

  #lookForFile(): void {
    if (!fs.existsSync(this.#options.file)) return;
    this.#make().then(() => this.#wakeAll(), ignoreOpening);
  }

  #wakeAll(): void {
    for (const listener of this.#listeners.keys()) listener();
  }

  #pass(store: Store, listener: () => void): void {
    const isWaiting = this.#listeners.has(listener) && this.#listeners.get(listener) === undefined;
    if (isWaiting) this.#listeners.set(listener, store.onWake(listener));
  }

  #stopPolling(): void {
    clearInterval(this.#poll);
    this.#poll = undefined;
  }
}

/** The next call that needs the file reports why it cannot be opened. */
function ignoreOpening(): void {}
