/** Values of a column. Booleans are 0 or 1, instants are milliseconds, structures are JSON text. */
export type SqlValue = string | number | null;
export type Row = Readonly<Record<string, SqlValue>>;

/**
 * One SQL statement with `$1…$n` placeholders. The text is the same on both databases but for these marks, which the
 * driver replaces once per text: `%FOR_UPDATE%`, `%SERIAL%` and the few others of `Dialect`.
 */
export type Statement = readonly [sql: string, params?: readonly SqlValue[], hits?: number];

/**
 * A transaction yields one statement, or several of which none needs another's rows. They run in their order, on
 * PostgreSQL in one round trip. A statement with `hits` changes exactly so many rows, or the transaction fails with
 * `MissedRows`; it has no `RETURNING` and returns no rows. On PostgreSQL a statement without rows travels with the next
 * one that has some, or with COMMIT.
 */
export type TxStep = Statement | readonly Statement[];

/** A transaction: it yields statements and is handed their rows. It awaits nothing and can be run again from the start. */
export type Tx<T> = Generator<TxStep, T, readonly Row[]>;

export function statementsOf(step: TxStep): readonly Statement[] {
  return isStatement(step) ? [step] : step;
}

export function isStatement(step: TxStep): step is Statement {
  return typeof step[0] === "string";
}

/** The rows of a step's statements as the transaction is handed them: those of its one statement, or a list for several. */
export function answerTo(step: TxStep, rows: readonly (readonly Row[])[]): readonly Row[] {
  // A generator has one type for all that it is handed; `together` alone yields a list, and reads it as one.
  return isStatement(step) ? (rows[0] ?? NO_ROWS) : (rows as unknown as readonly Row[]);
}

export const NO_ROWS: readonly Row[] = Object.freeze([]);

export type TxResult<T> = T extends Tx<infer Result> ? Result : never;

/**
 * Runs transactions side by side, none of which needs what another finds: their first statements are one step, in order, then
 * their second ones, and so on. Returns the result of each.
 */
export function* together<const T extends readonly Tx<unknown>[]>(
  transactions: T,
): Tx<{ -readonly [K in keyof T]: TxResult<T[K]> }> {
  const results = transactions.map((transaction) => transaction.next());
  // Loops rather than flatMap: a claim and completion comes by here six times.
  while (results.some(({ done }) => done !== true)) {
    const statements: Statement[] = [];
    for (const result of results) if (result.done !== true) statements.push(...statementsOf(result.value));
    const answers = (yield statements) as unknown as readonly (readonly Row[])[];
    let read = 0;
    for (const [at, transaction] of transactions.entries()) {
      const result = results[at];
      if (result === undefined || result.done === true) continue;
      const from = read;
      read += statementsOf(result.value).length;
      results[at] = transaction.next(answerTo(result.value, answers.slice(from, read)));
    }
  }
  return results.map(({ value }) => value) as { -readonly [K in keyof T]: TxResult<T[K]> };
}

/** Made afresh for every try of a transaction. */
export interface TxContext {
  /** Milliseconds since the epoch; on PostgreSQL the database's clock, read after BEGIN. */
  readonly now: number;
  /** With `after`, one that sorts after that id of the same kind, whichever clock gave it. */
  newId(kind: string, after?: string): string;
  random(): number;
  /** Whether a statement of this try has changed a row, or may: one that PostgreSQL has not been sent yet. The driver knows. */
  wrote(): boolean;
}

/** The port to a database. Errors: `BatonError` with code `unavailable` once the bounded retries are used up. */
export interface Store {
  /**
   * Runs a command atomically. Retries busy databases, serialization failures, deadlocks and connections lost before
   * COMMIT. One lost at COMMIT may have committed: an idempotent command runs again, any other throws `CommitUnknown`.
   */
  transact<T>(command: (ctx: TxContext) => Tx<T>, options?: TransactOptions): Promise<T>;
  /** Runs a query on one consistent snapshot. A statement that writes fails. */
  read<T>(query: (ctx: TxContext) => Tx<T>): Promise<T>;
  /**
   * As `read`, for a query of many statements, each of which is short: between two of them other work of this process goes on. The
   * snapshot stays the same all through. Of SQLite it is a connection of its own.
   */
  snapshot<T>(query: (ctx: TxContext) => Tx<T>): Promise<T>;
  /**
   * Calls the listener soon after any process has committed. A hint, never the truth: it may come too often, and a slow
   * poll stands behind it. Nothing is watched without a listener. Returns the function that removes it.
   */
  onWake(listener: () => void): () => void;
  /**
   * Returns a bounded amount of deleted rows' space to the file system, where the database does not by itself. Answers
   * whether there is more.
   */
  reclaim(): Promise<boolean>;
  close(): Promise<void>;
  readonly info: StoreInfo;
}

export interface TransactOptions {
  /** The command first looks whether it has already been done, by its request id: it may safely run again after it committed. */
  readonly idempotent?: boolean;
}

export interface StoreInfo {
  readonly backend: "sqlite" | "postgres";
  /** The file's path, or the URL without its password. */
  readonly location: string;
  readonly schemaVersion: number;
}

/** Where the two databases cannot share a text. Each mark is the key between per cent signs. */
export type Dialect = Readonly<
  Record<
    | "NAME"
    | "FOR_UPDATE"
    | "SERIAL"
    | "HOLD_USAGE"
    | "KEY"
    | "CLUSTERED"
    | "JSON_LIST"
    | "XID"
    | "XID_HORIZON"
    | "EVENT_AFTER"
    | "EVENT_UP_TO"
    | "EVENT_ORDER"
    | "EVENT_ORDER_BACK"
    | "RUN_EVENTS"
    | "RUN_EVENT_AFTER"
    | "RUN_EVENT_UP_TO"
    | "RUN_EVENT_ORDER"
    | "RUN_EVENT_ORDER_BACK",
    string
  >
>;

export function translate(sql: string, dialect: Dialect): string {
  return sql.replace(/%([A-Z_]+)%/g, (mark, name: string) => {
    const text = (dialect as Readonly<Record<string, string>>)[name];
    if (text === undefined) throw new Error(`unknown dialect mark ${mark} in: ${sql}`);
    return text;
  });
}

/**
 * Thrown inside a transaction that found, after taking its locks, that it should have taken others: the driver rolls
 * back and runs it again, as after a serialization failure. Never happens where one writer has the whole database.
 */
export class RestartTransaction extends Error {
  constructor(reason: string) {
    super(`transaction starts over: ${reason}`);
    this.name = "RestartTransaction";
  }
}

/** The connection was lost while COMMIT was under way: the transaction has happened whole, or not at all. */
export class CommitUnknown extends Error {
  constructor(cause?: unknown) {
    super("the connection was lost during COMMIT; whether the transaction happened is unknown", { cause });
    this.name = "CommitUnknown";
  }
}

/** Takes no statement: for one of several transactions side by side that is not needed. */
// oxlint-disable-next-line require-yield -- that is what it is for
export function* nothing(): Tx<undefined> {
  return undefined;
}

/** A statement changed other than the rows that it must: what was read before it no longer holds. */
export class MissedRows extends Error {
  constructor([sql, , hits]: Statement) {
    super(`a statement did not change exactly ${hits} rows: ${sql}`);
    this.name = "MissedRows";
  }
}

/** Runs one statement and gives its first row. */
export function* first(statement: Statement): Tx<Row | undefined> {
  return (yield statement)[0];
}
