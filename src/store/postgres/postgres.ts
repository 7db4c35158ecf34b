import { type ClientConfig, Pool, type PoolClient, type QueryResult } from "pg";
import type { Runtime } from "../../runtime/runtime.js";
import { Crashed, FaultPoints, type StoreHooks } from "../driver/faults.js";
import { refuseNewer } from "../driver/migrate.js";
import { SCHEMA_VERSION } from "../migrations/index.js";
import { isLost, isStalePlan, transientErrorOf, transientOrUnknown, refusal, shownLocation } from "./errors.js";
import { migrate } from "./schema.js";
import { columnTypes } from "./statements.js";
import { PostgresTransaction } from "./transaction.js";
import { PostgresWake } from "./wake.js";
import { doubling, type TransientError, type TransactionRetry, retrying } from "../driver/retry.js";
import { CommitUnknown, type Store, type StoreInfo, type TransactOptions, type Tx, type TxContext } from "../tx.js";

export interface PostgresOptions {
  /** postgres://user:password@host:port/database */
  readonly url: string;
  /** Connections at most; one more listens while somebody waits. */
  readonly poolSize: number;
  readonly runtime: Runtime;
  readonly hooks?: StoreHooks;
  /** How long a call tries again before it answers `unavailable`. */
  readonly busyMs?: number;
}

const BUSY_MS = 15_000;
const CONNECT_MS = 5_000;
/** A process that stopped in the middle of a transaction must not hold its locks for ever. */
const IDLE_IN_TRANSACTION_MS = 10_000;
const STATEMENT_MS = 30_000;

/** Opens the database, migrating its schema where needed. Throws `BatonError` `unavailable`, saying why. */
export async function openPostgres(options: PostgresOptions): Promise<Store> {
  const location = shownLocation(options.url);
  const connection: ClientConfig = {
    connectionString: options.url,
    application_name: "baton",
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    statement_timeout: STATEMENT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  };
  const pool = new Pool({ ...connection, max: options.poolSize, allowExitOnIdle: true });
  // A connection that breaks while nobody uses it: the pool drops it and opens another when one is wanted.
  pool.on("error", () => undefined);
  const store = new PostgresStore(pool, connection, { ...options, location });
  try {
    await store.migrate();
    return store;
  } catch (error) {
    await pool.end();
    throw error;
  }
}

const BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED";
const BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/** Sent with BEGIN in one round trip: the transaction's time, and whether the schema is still one we understand. */
const OPENING =
  "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now, (SELECT version FROM baton_schema) AS version";

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

  async migrate(): Promise<void> {
    await this.#retrying(() => this.#withClient(migrate), transientErrorOf);
  }

  async transact<T>(command: (ctx: TxContext) => Tx<T>, options: TransactOptions = {}): Promise<T> {
    return this.#retrying(
      () => this.#once(BEGIN, command),
      options.idempotent === true ? transientOrUnknown : transientErrorOf,
    );
  }

  async read<T>(query: (ctx: TxContext) => Tx<T>): Promise<T> {
    // What a query's COMMIT loses is lost by nobody.
    return this.#retrying(() => this.#once(BEGIN_READ, query), transientOrUnknown);
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

  async #retrying<T>(run: () => Promise<T>, passing: (error: unknown) => TransientError): Promise<T> {
    try {
      return await retrying(this.#policy, { run, passing });
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

  async #once<T>(begin: string, command: (ctx: TxContext) => Tx<T>): Promise<T> {
    const points = this.#faults?.attempt();
    const played = await this.#withClient(async (client) => {
      const transaction = command(await this.#begin(client, begin));
      const sent = new PostgresTransaction(client, points);
      let step = transaction.next();
      while (step.done !== true) step = transaction.next(await sent.run(step.value));
      await sent.commit();
      return { value: step.value, changed: sent.changed };
    });
    // Only what changed something wakes: a waiter that looks in a transaction of its own must not wake itself.
    if (played.changed) this.#wake.committed();
    return played.value;
  }

  async #begin(client: PoolClient, begin: string): Promise<TxContext> {
    // Two statements in one simple query: pg's types know one result, it gives one for each.
    const answers = (await client.query({ text: `${begin}; ${OPENING}`, types: columnTypes })) as unknown;
    const opening = (answers as readonly QueryResult<{ now: number; version: number }>[])[1]?.rows[0];
    if (opening === undefined) throw new Error("BEGIN gave no answer");
    refuseNewer(opening.version);
    const now = this.#hooks?.now?.() ?? opening.now;
    const { ids, random } = this.#runtime;
    return { now, newId: (kind, after) => ids.next(kind, now, after), random: () => random.next() };
  }
}

/** Whether the connection can be used again. */
async function rolledBack(client: PoolClient, error: unknown): Promise<boolean> {
  if (isLost(error) || isStalePlan(error) || error instanceof CommitUnknown || error instanceof Crashed) return false;
  try {
    await client.query("ROLLBACK");
    return true;
  } catch {
    // Whatever it is, throwing the connection away rolls back too.
    return false;
  }
}
