import { BatonError } from "../../base/errors.js";
import { isObject } from "../../base/json.js";
import { flawsOf } from "../../base/texts/stored-values.js";
import { encodeCursor, type Position, positionOf, START } from "../events/positions.js";
import { type Insert, insertInto, insertRows } from "../tables.js";
import type { SqlValue, StoreInfo, Tx } from "../tx.js";
import { EVENT_COLUMNS, EXPORT_FORMAT, EXPORTED_TABLES, type ExportHeader } from "./tables.js";

/** Rows are sent on once there are so many, or so much text in them. */
const ROWS_AT_ONCE = 128;
const CHARS_AT_ONCE = 1_000_000;
const ROW_BYTES_MAX = 64_000_000;

/** Tables in which any process leaves a row by being there. */
const OF_PROCESSES: ReadonlySet<string> = new Set(["sessions", "executors", "host_clocks"]);

type Values = readonly SqlValue[];

/**
 * Writes the rows of an export into an empty database. `lines` are its parsed lines. Returns the number of rows. Errors: `conflict`
 * for a database that holds anything; `invalid_input` for lines that are no whole export of this schema.
 */
export function* importRows({ schemaVersion }: StoreInfo, lines: Iterable<unknown>): Tx<number> {
  yield* requireEmpty();
  const writer = new RowWriter();
  let header = false;
  let end: number | undefined;
  for (const line of lines) {
    if (end !== undefined) throw refused("stands after the end of the export");
    if (!header) header = requireHeader(line, schemaVersion);
    else if (Array.isArray(line)) yield* writer.add(line);
    else if (isObject(line) && line["end"] === true) end = Number(line["rows"]);
    else yield* writer.begin(line);
  }
  yield* writer.flush();
  if (!header) throw refused("is empty: the file is no export");
  if (end !== writer.rows) throw refused(`is the last, and the end of the export is missing: the file was cut off`);
  return writer.rows;
}

function refused(what: string): BatonError {
  return new BatonError("invalid_input", what);
}

function* requireEmpty(): Tx<void> {
  for (const name of ["events", ...EXPORTED_TABLES.map((table) => table.name)]) {
    // sql: names are constants of tables.ts.
    if (OF_PROCESSES.has(name)) yield [`DELETE FROM ${name}`];
    else if ((yield [`SELECT 1 AS one FROM ${name} LIMIT 1`]).length > 0) throw notEmpty(name);
  }
}

function notEmpty(table: string): BatonError {
  return new BatonError(
    "conflict",
    `The database is not empty (it has ${table.replaceAll("_", " ")}), and an export is imported into an empty one only. Name another with BATON_DB=FILE or BATON_DATABASE_URL, or empty this one with \`baton reset\`.`,
    { details: { table } },
  );
}

function requireHeader(line: unknown, schemaVersion: number): true {
  const { baton, format, schema, version }: Partial<Record<keyof ExportHeader, unknown>> = isObject(line) ? line : {};
  if (baton !== "export" || format !== EXPORT_FORMAT) throw refused("is not the first line of an export");
  if (schema === schemaVersion) return true;
  throw refused(
    `says that the export was made by baton ${String(version)} with schema ${String(schema)}; this one has schema ${schemaVersion}. ` +
      "Import it with the version that made it; a later version takes that database over when it opens it",
  );
}

/** Gathers rows of one table and writes several at once. */
class RowWriter {
  rows = 0;
  #table: { readonly columns: readonly string[]; readonly cursor: number; readonly insert: Insert<Values> } | undefined;
  readonly #seen = new Set<string>();
  #gathered: Values[] = [];
  #chars = 0;
  /** The first event of this database: a cursor is counted from it. */
  #first: Position | undefined;

  /** Begins a table as its line says. */
  *begin(line: unknown): Tx<void> {
    yield* this.flush();
    const { table: name, columns } = isObject(line) ? line : {};
    const known = EXPORTED_TABLES.find((table) => table.name === name);
    const isEvents = name === "events" && JSON.stringify(columns) === JSON.stringify(EVENT_COLUMNS);
    if ((!known && !isEvents) || this.#seen.has(String(name)) || !isColumns(columns))
      throw refused("begins no table of an export");
    if (this.#seen.size === 0 && !isEvents) throw refused("begins a table before the history");
    if (!isEvents && this.#first === undefined) this.#first = yield* firstEvent();
    this.#seen.add(String(name));
    const write = (row: Values, values: SqlValue[]) => values.push(...row);
    const insert = insertInto<Values>({ name: String(name), names: columns, write });
    this.#table = { columns, cursor: known?.cursor === undefined ? -1 : columns.indexOf(known.cursor), insert };
  }

  *add(line: readonly unknown[]): Tx<void> {
    const table = this.#table;
    if (table === undefined) throw refused("is a row without a table");
    if (line.length !== table.columns.length)
      throw refused(`has ${line.length} values for ${table.columns.length} columns`);
    const row = line.map((value, at) => (at === table.cursor ? this.#cursorOf(value) : valueOf(value)));
    const [flaw] = flawsOf(row, ROW_BYTES_MAX);
    if (flaw) throw refused(flaw.message);
    for (const value of row) if (typeof value === "string") this.#chars += value.length;
    this.#gathered.push(row);
    this.rows += 1;
    if (this.#gathered.length >= ROWS_AT_ONCE || this.#chars >= CHARS_AT_ONCE) yield* this.flush();
  }

  *flush(): Tx<void> {
    if (this.#table) yield* insertRows(this.#table.insert, this.#gathered);
    this.#gathered = [];
    this.#chars = 0;
  }

  #cursorOf(value: unknown): SqlValue {
    if (value === null) return null;
    const events = Number(value);
    if (!Number.isSafeInteger(events) || events < 0) throw refused("has a place in the history that is no number");
    const { xid, seq } = this.#first ?? START;
    return encodeCursor(events === 0 ? START : { xid, seq: seq + events - 1 });
  }
}

/** Where the events begin that this transaction has written: they have one number of a transaction and follow each other. */
function* firstEvent(): Tx<Position> {
  const [row] = yield ["SELECT xid, seq FROM events ORDER BY seq LIMIT 1"];
  return row === undefined ? START : positionOf(row);
}

/** Names go into the texts of statements. */
function isColumns(columns: unknown): columns is readonly string[] {
  return (
    Array.isArray(columns) &&
    columns.length > 0 &&
    columns.every((column) => typeof column === "string" && /^[a-z][a-z0-9_]{0,62}$/.test(column))
  );
}

function valueOf(value: unknown): SqlValue {
  // flawsOf finds integers that a number cannot hold exactly.
  if (value === null || typeof value === "string" || typeof value === "number") return value;
  throw refused("has a value that is neither a text, nor a number, nor null");
}
