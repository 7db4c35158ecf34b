import type { ClientBase, Connection, Submittable } from "pg";
import type { Row, SqlValue } from "../tx.js";
import { columnTypes } from "./statements.js";

/** A prepared statement and its values. */
export interface Call {
  readonly name: string;
  readonly text: string;
  readonly values: readonly SqlValue[];
}

export interface CallAnswer {
  readonly rows: readonly Row[];
  /** The server's tag of the command: `UPDATE 1`, `COMMIT`. */
  readonly tag: string;
}

/** The call of a batch that failed, by the number of those answered before it. `sent`: the server may have seen the batch. */
export class BatchFailed extends Error {
  constructor(
    readonly at: number,
    readonly sent: boolean,
    override readonly cause: unknown,
  ) {
    super("a statement of a batch failed", { cause });
    this.name = "BatchFailed";
  }
}

/**
 * Runs prepared statements in one round trip. Each text is parsed and described once for each connection, then only bound and
 * executed; the one Sync at the end makes the server skip what follows a statement that failed. Throws `BatchFailed`.
 */
export function runBatch(client: ClientBase, calls: readonly Call[]): Promise<CallAnswer[]> {
  return new Promise((resolve, reject) => {
    client.query(new Batch(calls, { resolve, reject }));
  });
}

interface Column {
  readonly name: string;
  readonly parse: (text: string) => SqlValue;
}

/** A connection's prepared statements: the columns of their rows, once they were described. */
interface Known {
  readonly columns: Map<string, readonly Column[] | undefined>;
  batch: Batch | undefined;
}

const connections = new WeakMap<Connection, Known>();

function knownOn(connection: Connection): Known {
  let known = connections.get(connection);
  if (known === undefined) {
    const made: Known = { columns: new Map(), batch: undefined };
    // pg tells a query of all answers but this one.
    connection.on("parseComplete", () => made.batch?.parsed());
    connections.set(connection, (known = made));
  }
  return known;
}

interface Settling {
  resolve(answers: CallAnswer[]): void;
  reject(error: BatchFailed): void;
}

interface RowDescription {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
}

/** A query as pg's client submits one and hands it the server's answers (`pg/lib/query.js` is its own). */
class Batch implements Submittable {
  readonly #calls: readonly Call[];
  readonly #settling: Settling;
  readonly #answers: CallAnswer[] = [];
  /** Names that were sent to be parsed, in order. */
  readonly #parsing: string[] = [];
  #known: Known | undefined;
  #columns: readonly Column[] | undefined;
  #rows: Row[] = [];

  constructor(calls: readonly Call[], settling: Settling) {
    this.#calls = calls;
    this.#settling = settling;
  }

  submit(connection: Connection): void {
    const known = (this.#known = knownOn(connection));
    known.batch = this;
    // Corked, the messages leave as one write.
    connection.stream.cork();
    try {
      for (const call of this.#calls) this.#send(connection, known, call);
      connection.sync();
    } finally {
      connection.stream.uncork();
    }
  }

  #send(connection: Connection, { columns }: Known, { name, text, values }: Call): void {
    if (!columns.has(name) && !this.#parsing.includes(name)) {
      connection.parse({ name, text, types: [] }, true);
      this.#parsing.push(name);
    }
    connection.bind({ statement: name, values: values.map(wireText) }, true);
    if (columns.get(name) === undefined) connection.describe({ type: "P", name: "" }, true);
    connection.execute({}, true);
  }

  parsed(): void {
    const name = this.#parsing.shift();
    if (name !== undefined) this.#known?.columns.set(name, undefined);
  }

  handleRowDescription({ fields }: RowDescription): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({
      name,
      parse: parserOf(dataTypeID),
    }));
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const columns = (this.#columns ??= this.#described());
    const row: Record<string, SqlValue> = {};
    // Not entries(): a row of a task has 42 columns.
    for (let at = 0; at < columns.length; at++) {
      const { name, parse } = columns[at] as Column;
      const text = fields[at];
      row[name] = text === null || text === undefined ? null : parse(text);
    }
    this.#rows.push(row);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    const call = this.#calls[this.#answers.length];
    // A statement that was described without columns gives no rows.
    if (call !== undefined) this.#known?.columns.set(call.name, this.#columns ?? this.#described());
    this.#answers.push({ rows: this.#rows, tag: text });
    this.#rows = [];
    this.#columns = undefined;
  }

  handleReadyForQuery(): void {
    this.#settling.resolve(this.#answers);
  }

  handleError(error: unknown): void {
    this.#settling.reject(new BatchFailed(this.#answers.length, this.#known !== undefined, error));
  }

  #described(): readonly Column[] {
    const call = this.#calls[this.#answers.length];
    return (call && this.#known?.columns.get(call.name)) ?? [];
  }
}

/** `TypeOverrides` is typed like the registry that it overrides, whose parsers may be of binary values too. */
function parserOf(type: number): Column["parse"] {
  return columnTypes.getTypeParser(type, "text") as unknown as Column["parse"];
}

function wireText(value: SqlValue): string | null {
  return typeof value === "number" ? String(value) : value;
}
