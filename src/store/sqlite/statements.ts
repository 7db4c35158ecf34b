import type Database from "better-sqlite3";
import { compile } from "../compile.js";
import type { AttemptPoints } from "../driver/faults.js";
import {
  answerTo,
  type Dialect,
  isStatement,
  MissedRows,
  NO_ROWS,
  type Row,
  type SqlValue,
  type Statement,
  type TxStep,
  translate,
} from "../tx.js";

export const SQLITE: Dialect = {
  NAME: "sqlite",
  FOR_UPDATE: "",
  HOLD_USAGE: "SELECT 1 WHERE 1 = 0",
  // Not AUTOINCREMENT, which writes a second table: the newest event is never removed, so no number is given twice.
  SERIAL: "INTEGER PRIMARY KEY",
  KEY: "TEXT",
  CLUSTERED: "WITHOUT ROWID",
  JSON_LIST: "json_group_array",
  // One writer: the order of the numbers is that of the commits.
  XID: "0",
  XID_HORIZON: "1",
  EVENT_AFTER: "seq > $2",
  EVENT_UP_TO: "seq <= $4",
  EVENT_ORDER: "seq",
  EVENT_ORDER_BACK: "seq DESC",
  // Block by block of 64 numbers (migration 10). The plus keeps a bound of the page from taking the place of the block's.
  RUN_EVENTS:
    "event_blocks CROSS JOIN events ON seq >= block * 64 AND seq < block * 64 + 64 AND run = of_run WHERE of_run",
  RUN_EVENT_AFTER: "block >= CAST($2 AS INTEGER) / 64 AND +seq > $2",
  RUN_EVENT_UP_TO: "block <= CAST($4 AS INTEGER) / 64 AND +seq <= $4",
  RUN_EVENT_ORDER: "block, seq",
  RUN_EVENT_ORDER_BACK: "block DESC, seq DESC",
};

const NO_VALUES: readonly SqlValue[] = Object.freeze([]);
/** Far more than there are texts; a caller that makes texts up would otherwise fill the memory. */
const PREPARED_MAX = 2_000;

interface Prepared {
  readonly statement: Database.Statement;
  /** Names the values of a row by their columns; undefined where the statement gives no rows. */
  readonly rowOf: ((values: readonly SqlValue[]) => Row) | undefined;
  /** Which parameter stands at each `?`; undefined where that is 1, 2, 3, … */
  readonly order: readonly number[] | undefined;
}

// SQLite plans a statement anew whenever a parameter that is a bare LIMIT is bound: 39 µs each time, against 0.5 µs for a sum.
const BARE_LIMIT = /\b(LIMIT|OFFSET) \?/g;

/**
 * Statements prepared once, by their untranslated text. `$n` becomes `?`, because better-sqlite3 binds an array faster than
 * an object (1.8 µs an update against 2.2), and rows are fetched as arrays and named here (5.3 µs a row of eight columns
 * against 6.3: its own objects get their keys one by one through the C++ boundary).
 */
export class SqliteStatements {
  readonly #database: Database.Database;
  readonly #prepared = new Map<string, Prepared>();
  /** Set by a statement that changed a row; the driver clears it. */
  changed = false;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  /** Runs the statements of a step in turn. */
  play(step: TxStep, mayWrite: boolean, points?: AttemptPoints): readonly Row[] {
    const pass = (statement: Statement): readonly Row[] => {
      const answered = points?.before(statement);
      const rows = this.#run(statement, mayWrite);
      answered?.(rows);
      return rows;
    };
    return isStatement(step) ? pass(step) : answerTo(step, step.map(pass));
  }

  #run(statement: Statement, mayWrite: boolean): readonly Row[] {
    const [sql, values = NO_VALUES, hits] = statement;
    const { statement: prepared, rowOf, order } = this.#prepared.get(sql) ?? this.#prepare(sql);
    if (!mayWrite && !prepared.readonly) throw new Error(`a query may not write: ${sql}`);
    const bound = order === undefined ? values : order.map((index) => values[index]);
    if (rowOf === undefined) {
      const { changes } = prepared.run(bound);
      if (hits !== undefined && changes !== hits) throw new MissedRows(statement);
      if (changes > 0) this.changed = true;
      return NO_ROWS;
    }
    // Statements with columns are in raw mode: each row is an array of what SQLite holds, and no BLOB is ever written.
    const rows = prepared.all(bound) as SqlValue[][];
    if (rows.length > 0 && !prepared.readonly) this.changed = true;
    return rows.map(rowOf);
  }

  #prepare(sql: string): Prepared {
    const order: number[] = [];
    const text = translate(sql, SQLITE).replaceAll(/\$(\d+)/g, (_, digits: string) => {
      order.push(Number(digits) - 1);
      return "?";
    });
    const statement = this.#database.prepare(text.replaceAll(BARE_LIMIT, "$1 0 + ?"));
    const prepared = {
      statement,
      rowOf: statement.reader ? namer(statement.columns().map((column) => column.name)) : undefined,
      order: order.every((index, at) => index === at) ? undefined : order,
    };
    if (statement.reader) statement.raw(true);
    if (this.#prepared.size >= PREPARED_MAX) this.#prepared.clear();
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}

// An object literal has its shape from the start: keys that are added one by one cost a claim and completion a sixth of its time.
function namer(columns: readonly string[]): (values: readonly SqlValue[]) => Row {
  const properties = columns.map((column, at) => `${JSON.stringify(column)}: values[${at}]`);
  return compile(["values"], `return { ${properties.join(", ")} };`);
}
