import Database from "better-sqlite3";
import { BatonError, codeOf } from "../../base/errors.js";
import type { Runtime } from "../../runtime/runtime.js";
import { type AttemptPoints, ConnectionLost, FaultPoints, type StoreHooks } from "../driver/faults.js";
import { refuseNewer, statementsFrom } from "../driver/migrate.js";
import { olderSchema, readOnlyStore } from "../driver/read-only.js";
import { SCHEMA_VERSION } from "../migrations/index.js";
import { pause, type TransientError, type TransactionRetry, retrying } from "../driver/retry.js";
import { APPLICATION_ID, corrupt, prepareFile } from "./file.js";
import { FileIdentity } from "./identity.js";
import { SQLITE, SqliteStatements } from "./statements.js";
import { playOnOwnConnection } from "./snapshot.js";
import { WalCheckpointer, type WalState } from "./wal.js";
import { SqliteWake } from "./wake.js";
import { WriteFairness } from "./fairness.js";
import {
  CommitUnknown,
  NO_ROWS,
  RestartTransaction,
  type Store,
  type StoreInfo,
  type TransactOptions,
  type Tx,
  type TxContext,
} from "../tx.js";

export interface SqliteOptions {
  readonly file: string;
  /** FULL survives a power cut with every acknowledged commit; NORMAL may lose the last ones, never the file's integrity. */
  readonly synchronous: "FULL" | "NORMAL";
  readonly runtime: Runtime;
  readonly hooks?: StoreHooks;
  /** How long a call tries a busy database before it answers `unavailable`. */
  readonly busyMs?: number;
  /** The file may not grow beyond so many pages of 4 KiB: a call that would, fails as on a full disk. */
  readonly pagesMax?: number;
  /** Opens it for queries alone: neither the file nor its schema is made, and a command is refused. */
  readonly readOnly?: boolean;
}

const BUSY_MS = 15_000;
/** After a checkpoint the -wal is cut back to this: one large transaction must not keep its size on disk for ever. */
const WAL_BYTES_MAX = 64 * 1024 * 1024;
/**
 * From so many pages on a commit copies the log into the file, or what a thread has left of it (see `WalCheckpointer`): only when all is
 * copied can the log begin anew. Every 16 MiB rather than every 4: the few pages that every commit changes are then copied a
 * quarter as often (a claim and completion at NORMAL took 95 µs of system time instead of 185).
 */
const CHECKPOINT_PAGES = 4_000;
const RECLAIM_PAGES = 256;

/**
 * Opens the file, making and migrating it where needed. A file whose schema is current is only read: opening takes no
 * lock then. Throws `BatonError` `unavailable` for a file that cannot be used, saying why.
 */
export async function openSqlite(options: SqliteOptions): Promise<Store> {
  const { readOnly = false } = options;
  prepareFile(options.file, readOnly);
  const turns = new WriteFairness(options.runtime.random);
  const totalMs = options.busyMs ?? BUSY_MS;
  const policy: TransactionRetry = {
    database: options.file,
    totalMs,
    pauseMs: (_, waitedMs) => turns.pauseMs(waitedMs),
  };
  const identity = new FileIdentity(options.file);
  // SQLite's own busy wait would freeze the event loop.
  const database = new Database(options.file, { timeout: 0, readonly: readOnly });
  try {
    const run = (): void => migrate(database, options);
    await retrying(policy, { run, transient: transientErrorOf });
    identity.check(options.runtime.clock.now());
    const store = new SqliteStore(database, options, { policy, turns, identity });
    return readOnly ? readOnlyStore(store) : store;
  } catch (error) {
    database.close();
    throw refusal(error, options.file);
  }
}

/**
 * Returns a store over an empty database in memory that answers queries as a new file would. `location` is shown in its
 * place.
 */
export function emptySqlite(options: SqliteOptions): Store {
  const database = new Database(":memory:");
  migrate(database, { ...options, readOnly: false });
  const turns = new WriteFairness(options.runtime.random);
  const policy = { database: options.file, totalMs: 0, pauseMs: () => 0 };
  return new SqliteStore(database, options, { policy, turns, identity: undefined });
}

function schemaVersion(database: Database.Database): number {
  return Number(database.pragma("user_version", { simple: true }));
}

/** Each connection's own settings, then the schema. Runs again from the start after a lost race. */
function migrate(database: Database.Database, options: SqliteOptions): void {
  database.pragma("foreign_keys = ON");
  database.pragma("trusted_schema = OFF");
  database.pragma(`synchronous = ${options.synchronous}`);
  database.pragma(`journal_size_limit = ${WAL_BYTES_MAX}`);
  database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  if (options.pagesMax !== undefined) database.pragma(`max_page_count = ${options.pagesMax}`);
  const version = schemaVersion(database);
  refuseNewer(version);
  if (version === SCHEMA_VERSION) return;
  if (options.readOnly === true) throw olderSchema(version);
  if (version === 0) refuseStranger(database, options.file);
  // Both must be said before the first table is made; on a file that has them they change nothing.
  database.pragma("auto_vacuum = INCREMENTAL");
  database.pragma("journal_mode = WAL");
  database
    .transaction(() => {
      const current = schemaVersion(database);
      refuseNewer(current);
      if (current === SCHEMA_VERSION) return;
      for (const statement of statementsFrom(current, SQLITE)) database.exec(statement);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${SCHEMA_VERSION}`);
    })
    .immediate();
}

function refuseStranger(database: Database.Database, file: string): void {
  const tables = database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get();
  if (tables !== 0) throw corrupt(file, "it is the database of another program");
}

/** How the store gets on with the file's other users. */
interface Sharing {
  readonly policy: TransactionRetry;
  readonly turns: WriteFairness;
  /** Undefined for a database in memory. */
  readonly identity: FileIdentity | undefined;
}

class SqliteStore implements Store {
  readonly info: StoreInfo;
  readonly #database: Database.Database;
  readonly #runtime: Runtime;
  readonly #faults: FaultPoints | undefined;
  readonly #sharing: Sharing;
  readonly #statements: SqliteStatements;
  readonly #wake: SqliteWake;
  readonly #checkpointer: WalCheckpointer;
  readonly #begin: Database.Statement;
  readonly #beginRead: Database.Statement;
  readonly #commit: Database.Statement;
  readonly #rollback: Database.Statement;
  readonly #version: Database.Statement;

  constructor(database: Database.Database, options: SqliteOptions, sharing: Sharing) {
    this.info = { backend: "sqlite", location: options.file, schemaVersion: SCHEMA_VERSION };
    this.#database = database;
    this.#runtime = options.runtime;
    this.#faults = options.hooks && new FaultPoints(options.hooks);
    this.#sharing = sharing;
    this.#statements = new SqliteStatements(database);
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#beginRead = database.prepare("BEGIN");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
    this.#version = database.prepare("PRAGMA user_version").pluck();
    const dataVersion = database.prepare("PRAGMA data_version").pluck();
    this.#wake = new SqliteWake({
      file: sharing.identity?.realFile ?? options.file,
      dataVersion: () => unlessBusy(() => Number(dataVersion.get())),
    });
    // NOOP copies nothing.
    const log = database.prepare<[], { log: number; checkpointed: number }>("PRAGMA wal_checkpoint(NOOP)");
    this.#checkpointer = new WalCheckpointer({
      file: options.file,
      synchronous: options.synchronous,
      state: () => stateOf(() => log.get()),
      isShared: () => sharing.turns.isShared,
    });
  }

  async transact<T>(command: (ctx: TxContext) => Tx<T>, options: TransactOptions = {}): Promise<T> {
    const transient = options.idempotent === true ? transientOrUnknown : transientErrorOf;
    const leaveMs = this.#sharing.turns.leaveMs();
    if (leaveMs > 0) await pause(leaveMs);
    return this.#retrying(() => this.#once(this.#begin, command), transient);
  }

  async read<T>(query: (ctx: TxContext) => Tx<T>): Promise<T> {
    // A query's lost COMMIT loses nothing.
    return this.#retrying(() => this.#once(this.#beginRead, query), transientOrUnknown);
  }

  async snapshot<T>(query: (ctx: TxContext) => Tx<T>): Promise<T> {
    const { location: file } = this.info;
    // The snapshot opens the path anew, and would read another file.
    this.#sharing.identity?.check(this.#runtime.clock.now());
    const run = () =>
      playOnOwnConnection({ file, query: () => query(this.#context()), points: this.#faults?.attempt() });
    return this.#retrying(run, transientOrUnknown);
  }

  onWake(listener: () => void): () => void {
    return this.#wake.add(listener);
  }

  async reclaim(): Promise<boolean> {
    // Not a statement of ours: its steps are counted, and `run` would take only the first.
    const run = (): boolean => {
      this.#database.exec(`PRAGMA incremental_vacuum(${RECLAIM_PAGES})`);
      return Number(this.#database.pragma("freelist_count", { simple: true })) > 0;
    };
    return this.#retrying(run, transientErrorOf);
  }

  async close(): Promise<void> {
    this.#wake.stop();
    await this.#checkpointer.close();
    this.#database.close();
  }

  async #retrying<T>(run: () => T | Promise<T>, transient: (error: unknown) => TransientError): Promise<T> {
    try {
      return await retrying(this.#sharing.policy, { run, transient });
    } catch (error) {
      throw refusal(error, this.info.location);
    }
  }

  /** One try, from BEGIN to COMMIT without a pause: nothing of this process can come between. */
  #once<T>(begin: Database.Statement, command: (ctx: TxContext) => Tx<T>): T {
    const points = this.#faults?.attempt();
    beginWith(begin);
    if (begin === this.#begin) this.#sharing.turns.began();
    try {
      // 2 µs: cheap enough to be asked in every transaction, where alone the answer holds.
      refuseNewer(this.#version.get() as number);
      this.#statements.changed = false;
      const result = this.#play(command(this.#context()), begin === this.#begin, points);
      const committed = points?.before("COMMIT");
      this.#commit.run();
      this.#sharing.identity?.check(this.#runtime.clock.now());
      // Only what changed something wakes: a waiter that looks in a transaction of its own must not wake itself.
      if (this.#statements.changed) {
        this.#wake.committed();
        this.#checkpointer.committed();
      }
      committed?.(NO_ROWS);
      return result;
    } catch (error) {
      if (this.#database.inTransaction) this.#rollback.run();
      throw error;
    }
  }

  #context(): TxContext {
    const { clock, ids, random } = this.#runtime;
    const now = clock.now();
    return {
      now,
      newId: (kind, after) => ids.next(kind, now, after),
      random: () => random.next(),
      wrote: () => this.#statements.changed,
    };
  }

  #play<T>(transaction: Tx<T>, writes: boolean, points: AttemptPoints | undefined): T {
    let step = transaction.next();
    while (step.done !== true) step = transaction.next(this.#statements.play(step.value, writes, points));
    return step.value;
  }
}

/** Without the stack of a refusal, which costs as much again as the try and says nothing: there are many where many write. */
function beginWith(begin: Database.Statement): void {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    begin.run();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

const LOST: TransientError = { reason: "the connection was lost" };

function transientErrorOf(error: unknown): TransientError {
  if (error instanceof ConnectionLost) return LOST;
  if (error instanceof RestartTransaction) return { reason: error.message };
  return isBusy(error) ? { reason: "other processes kept it busy" } : undefined;
}

function transientOrUnknown(error: unknown): TransientError {
  return error instanceof CommitUnknown ? LOST : transientErrorOf(error);
}

/** SQLITE_BUSY and its extended codes (another writer, a recovery), and the rare races of opening a -wal. */
function isBusy(error: unknown): boolean {
  return /^SQLITE_(?:BUSY|LOCKED|PROTOCOL)/.test(codeOf(error) ?? "");
}

/** A fault of the file is reported by the next call that needs it. */
function stateOf(ask: () => { log: number; checkpointed: number } | undefined): WalState | undefined {
  try {
    const row = ask();
    return row && { pages: row.log, checkpointed: row.checkpointed };
  } catch {
    return undefined;
  }
}

function unlessBusy<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (isBusy(error)) return undefined;
    throw error;
  }
}

// oxfmt-ignore
const REFUSALS: readonly (readonly [code: RegExp, reason: string, why: string])[] = [
  [/^SQLITE_FULL/, "full", "the disk is full; nothing was changed. Free some space and try again"],
  [/^SQLITE_(?:READONLY|PERM|AUTH|CANTOPEN)/, "not_writable", "it or its directory cannot be written. Make them writable, or name another file with BATON_DB"],
  [/^SQLITE_IOERR/, "io_error", "the disk reported an error; nothing was changed. See the system's log"],
  [/^SQLITE_NOMEM/, "no_memory", "the machine is out of memory; nothing was changed"],
];

/** Turns an error that a person can act on into `unavailable`; any other stays a bug. */
function refusal(error: unknown, file: string): unknown {
  const code = codeOf(error) ?? "";
  if (/^SQLITE_(?:CORRUPT|NOTADB)/.test(code)) return corrupt(file, "it is damaged");
  const found = REFUSALS.find(([pattern]) => pattern.test(code));
  if (found === undefined) return error;
  const [, reason, why] = found;
  return new BatonError("unavailable", `The database file ${file} cannot be used: ${why}.`, {
    details: { file, reason, sqlite: code },
    retry: { after_ms: 1_000 },
  });
}
