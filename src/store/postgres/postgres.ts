import { isDeepStrictEqual } from "node:util";
import { type ClientConfig, Pool, type PoolClient } from "pg";
import type { Runtime } from "../../runtime/runtime.js";
import { Crashed, FaultPoints, type StoreHooks } from "../driver/faults.js";
import { refuseNewer } from "../driver/migrate.js";
import { readOnlyStore } from "../driver/read-only.js";
import { SCHEMA_VERSION } from "../migrations/index.js";
import {
  isLost,
  isStalePlan,
  transientAtOpening,
  transientErrorOf,
  transientOrUnknown,
  refusal,
  shownLocation,
} from "./errors.js";
import { migrate, requireSchema } from "./schema.js";
import { PostgresTransaction } from "./transaction.js";
import { PostgresWake } from "./wake.js";
import { doubling, type TransientError, retrying, type TransactionRetry } from "../driver/retry.js";
import {
  CommitUnknown,
  RestartTransaction,
  type SqlValue,
  statementsOf,
  type TxStep,
  type Store,
  type StoreInfo,
  type TransactOptions,
  type Tx,
  type TxContext,
} from "../tx.js";

export interface PostgresOptions {
  /** postgres://user:password@host:port/database */
  readonly url: string;
  /** Connections at most; one more listens while there is a listener. */
  readonly poolSize: number;
  readonly runtime: Runtime;
  readonly hooks?: StoreHooks;
  /** How long a call tries again before it answers `unavailable`. */
  readonly busyMs?: number;
  /** Opens it for queries alone: the schema is not made, and a command is refused. */
  readonly readOnly?: boolean;
}

const BUSY_MS = 15_000;
const CONNECT_MS = 5_000;
/** A process that stopped in the middle of a transaction must not hold its locks for ever. */
const IDLE_IN_TRANSACTION_MS = 10_000;
const STATEMENT_MS = 30_000;

/** Opens the database, migrating its schema where needed. Throws `BatonError` `unavailable`, saying why. */
export async function openPostgres(options: PostgresOptions): Promise<Store> {
  const location = shownLocation(options.url);
  const { readOnly = false } = options;
  const connection: ClientConfig = {
    connectionString: options.url,
    application_name: "baton",
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    statement_timeout: STATEMENT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  };
  const pool = new Pool({ ...connection, max: options.poolSize, allowExitOnIdle: true });
  // An idle connection breaks: the pool drops it and opens another when one is wanted.
  pool.on("error", () => undefined);
  const store = new PostgresStore(pool, connection, { ...options, location });
  try {
    await store.migrate(readOnly);
    return readOnly ? readOnlyStore(store) : store;
  } catch (error) {
    await pool.end();
    throw error;
  }
}

class PostgresStore implements Store {
  readonly info: StoreInfo;
  readonly #pool: Pool;
  readonly #runtime: Runtime;
  readonly #hooks: StoreHooks | undefined;
  readonly #faults: FaultPoints | undefined;
  readonly #policy: TransactionRetry;
  readonly #wake: PostgresWake;

  constructor(pool: Pool, connection: ClientConfig, options: PostgresOptions & { location: string }) {
    this.info = { backend: "postgres", location: options.location, schemaVersion: SCHEMA_VERSION };
    this.#pool = pool;
    this.#runtime = options.runtime;
    this.#hooks = options.hooks;
    this.#faults = options.hooks && new FaultPoints(options.hooks);
    this.#policy = {
      database: options.location,
      totalMs: options.busyMs ?? BUSY_MS,
      pauseMs: doubling(options.runtime.random, { leastMs: 1, mostMs: 500 }),
    };
    const self = options.runtime.ids.next("store", options.runtime.clock.now());
    this.#wake = new PostgresWake({ pool, connection, self });
  }

  async migrate(readOnly: boolean): Promise<void> {
    await this.#retrying(() => this.#withClient(readOnly ? requireSchema : migrate), transientAtOpening);
  }

  async transact<T>(command: (ctx: TxContext) => Tx<T>, options: TransactOptions = {}): Promise<T> {
    return this.#play("write", command, options.idempotent === true ? transientOrUnknown : transientErrorOf);
  }

  async read<T>(query: (ctx: TxContext) => Tx<T>): Promise<T> {
    // A query's lost COMMIT loses nothing.
    return this.#play("read", query, transientOrUnknown);
  }

  /** Each statement is awaited anyway. */
  snapshot<T>(query: (ctx: TxContext) => Tx<T>): Promise<T> {
    return this.read(query);
  }

  onWake(listener: () => void): () => void {
    return this.#wake.add(listener);
  }

  /** Autovacuum does it. */
  async reclaim(): Promise<boolean> {
    return false;
  }

  async close(): Promise<void> {
    await this.#wake.stop();
    await this.#pool.end();
  }

  async #retrying<T>(run: () => Promise<T>, transient: (error: unknown) => TransientError): Promise<T> {
    try {
      return await retrying(this.#policy, { run, transient });
    } catch (error) {
      throw refusal(error, this.info.location);
    }
  }

  /** Lends a connection. After an error it is rolled back, or thrown away when its state is not known. */
  async #withClient<T>(use: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    // While it is lent, the pool does not listen: an error between two statements would end the process.
    const broken = (): void => undefined;
    client.on("error", broken);
    let discard = true;
    try {
      const result = await use(client);
      discard = false;
      return result;
    } catch (error) {
      discard = !(await rolledBack(client, error));
      throw error;
    } finally {
      client.off("error", broken);
      client.release(discard);
    }
  }

  async #play<T>(
    kind: "write" | "read",
    command: (ctx: TxContext) => Tx<T>,
    transient: (error: unknown) => TransientError,
  ): Promise<T> {
    const known = { first: firstStepOf(command) };
    const played = await this.#retrying(
      () => this.#withClient((client) => this.#once(client, { kind, command, known })),
      transient,
    );
    // Only what changed something wakes: a waiter that looks in a transaction of its own must not wake itself.
    if (played.changed) this.#wake.committed();
    return played.value;
  }

  /** One try. Its first step travels with BEGIN where it hangs on nothing that BEGIN answers. */
  async #once<T>(client: PoolClient, { kind, command, known }: Play<T>): Promise<Played<T>> {
    const sent = new PostgresTransaction(client, this.#faults?.attempt());
    const { first } = known;
    const begun = await sent.begin(kind, first);
    refuseNewer(begun.version);
    const transaction = command(this.#context(begun.now, sent));
    let step = transaction.next();
    if (first !== undefined) {
      if (step.done === true || !isDeepStrictEqual(step.value, first)) {
        delete known.first;
        throw new RestartTransaction("its first step hangs on the time");
      }
      step = transaction.next(begun.rows);
    }
    while (step.done !== true) step = transaction.next(await sent.run(step.value));
    await sent.commit();
    return { value: step.value, changed: sent.changed };
  }

  #context(began: number, sent: PostgresTransaction): TxContext {
    const now = this.#hooks?.now?.() ?? began;
    const { ids, random } = this.#runtime;
    return {
      now,
      newId: (kind, after) => ids.next(kind, now, after),
      random: () => random.next(),
      wrote: () => sent.mayHaveChanged,
    };
  }
}

interface Play<T> {
  readonly kind: "write" | "read";
  readonly command: (ctx: TxContext) => Tx<T>;
  /** Forgotten where it turns out to be another. */
  readonly known: { first?: TxStep | undefined };
}

interface Played<T> {
  readonly value: T;
  readonly changed: boolean;
}

/** Stands in for the context before BEGIN: an id or a random number that is asked for ends the look ahead. */
const BEFORE_BEGIN: TxContext = { now: Number.NaN, newId: refuseDraw, random: refuseDraw, wrote: () => false };

function refuseDraw(): never {
  throw new RestartTransaction("BEGIN was not answered yet");
}

/**
 * The first step of a command, if it hangs on nothing that BEGIN answers. A command is pure, so that it can be started for this alone;
 * the error of one that fails before its first step is thrown when it runs.
 */
function firstStepOf(command: (ctx: TxContext) => Tx<unknown>): TxStep | undefined {
  try {
    const { done, value } = command(BEFORE_BEGIN).next();
    return done === true || statementsOf(value).some(([, values]) => values?.some(isOfTime)) ? undefined : value;
  } catch {
    return undefined;
  }
}

function isOfTime(value: SqlValue): boolean {
  return Number.isNaN(value) || (typeof value === "string" && value.includes("NaN"));
}

/** Whether the connection can be used again. */
async function rolledBack(client: PoolClient, error: unknown): Promise<boolean> {
  if (isLost(error) || isStalePlan(error) || error instanceof CommitUnknown || error instanceof Crashed) return false;
  try {
    await client.query("ROLLBACK");
    return true;
  } catch {
    // Discarding the connection rolls back too.
    return false;
  }
}
