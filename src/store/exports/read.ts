import { decodeCursor, isAfter, type Position, positionOf, START } from "../events/positions.js";
import { placeholders, text, textOrNull } from "../rows.js";
import type { Row, SqlValue, Tx } from "../tx.js";
import { allInFiles, CONTENTS, CONTENT_PARTS, partsOf } from "../artifacts/contents.js";
import { EVENT_COLUMNS, EXPORTED_TABLES, type ExportedTable, valuesOf } from "./tables.js";

const PAGE_ROWS = 500;
const LARGE_PAGE_ROWS = 20;

/** Receives the lines of an export, in order, as values of JSON. */
export type WriteLine = (line: unknown) => void;

/**
 * Writes every row of a database, table by table: the history first, in its order, so that a cursor can be written as the number of
 * events up to it. Returns the number of rows.
 */
export function* exportRows(write: WriteLine, files?: FileContents): Tx<number> {
  const cursors = new NumberedCursors(yield* knownCursors());
  let rows = yield* exportEvents(write, cursors);
  for (const table of EXPORTED_TABLES) rows += yield* exportTable(table, write, { cursors, files });
  return rows;
}

/** Contents of artifacts beside the database: an export has them as the rows that hold them elsewhere. */
export interface FileContents {
  has(hash: string): boolean;
  read(hash: string): Uint8Array | undefined;
}

interface Elsewhere {
  readonly cursors: NumberedCursors;
  readonly files: FileContents | undefined;
}

/** Says how many events are not after a cursor, once the history has gone by. */
class NumberedCursors {
  readonly #waiting: { readonly cursor: string; readonly position: Position }[];
  readonly #numbers = new Map<string, number>();

  constructor(cursors: readonly string[]) {
    this.#waiting = cursors
      .map((cursor) => ({ cursor, position: decodeCursor(cursor) }))
      .toSorted((a, b) => (isAfter(a.position, b.position) ? -1 : 1));
  }

  /** The event at `position` comes next, after so many others. */
  next(position: Position, before: number): void {
    for (let first = this.#waiting.at(-1); first && isAfter(position, first.position); first = this.#waiting.at(-1)) {
      this.#numbers.set(first.cursor, before);
      this.#waiting.pop();
    }
  }

  end(events: number): void {
    for (const { cursor } of this.#waiting.splice(0)) this.#numbers.set(cursor, events);
  }

  numberOf(cursor: string): string {
    return String(this.#numbers.get(cursor) ?? 0);
  }
}

function* knownCursors(): Tx<string[]> {
  const known = new Set<string>();
  for (const { name, cursor } of EXPORTED_TABLES) {
    if (cursor === undefined) continue;
    // sql: table and column are constants of tables.ts.
    for (const row of yield [`SELECT DISTINCT ${cursor} AS cursor FROM ${name} WHERE ${cursor} IS NOT NULL`])
      known.add(text(row, "cursor"));
  }
  return [...known];
}

const EVENTS_AFTER = `SELECT xid, seq, ${EVENT_COLUMNS.join(", ")} FROM events WHERE %EVENT_AFTER% ORDER BY %EVENT_ORDER% LIMIT $3`;

function* exportEvents(write: WriteLine, cursors: NumberedCursors): Tx<number> {
  write({ table: "events", columns: EVENT_COLUMNS });
  let written = 0;
  let after: Position = START;
  for (let full = true; full;) {
    const rows = yield [EVENTS_AFTER, [after.xid, after.seq, PAGE_ROWS]];
    for (const row of rows) {
      after = positionOf(row);
      cursors.next(after, written);
      write(valuesOf(row, EVENT_COLUMNS));
      written += 1;
    }
    full = rows.length === PAGE_ROWS;
  }
  cursors.end(written);
  return written;
}

function* exportTable(table: ExportedTable, write: WriteLine, { cursors, files }: Elsewhere): Tx<number> {
  const limit = table.large === true ? LARGE_PAGE_ROWS : PAGE_ROWS;
  let columns: readonly string[] | undefined;
  let written = 0;
  let last: Row | undefined;
  do {
    const rows = yield pageAfter(table, limit, last);
    for (const row of rows) {
      if (columns === undefined) {
        columns = Object.keys(row);
        write({ table: table.name, columns });
      }
      write(valuesOf(numbered(table === FILED ? withoutFile(row, files) : row, table, cursors), columns));
    }
    written += rows.length;
    last = rows.length === limit ? rows.at(-1) : undefined;
  } while (last !== undefined);
  return table === PARTED && files !== undefined ? written + (yield* exportFiles(write, files, columns)) : written;
}

const tableNamed = (name: string) => EXPORTED_TABLES.find((table) => table.name === name);
const FILED = tableNamed(CONTENTS.name);
const PARTED = tableNamed(CONTENT_PARTS.name);

/** A content whose file is there is a content in rows, wherever it is imported. */
function withoutFile(row: Row, files: FileContents | undefined): Row {
  return files?.has(text(row, "hash")) === true ? { ...row, in_file: 0 } : row;
}

function* exportFiles(write: WriteLine, files: FileContents, columns = CONTENT_PARTS.names): Tx<number> {
  let written = 0;
  for (const hash of yield* allInFiles()) {
    for (const part of partsOf(hash, files.read(hash) ?? new Uint8Array())) {
      if (written === 0 && columns === CONTENT_PARTS.names) write({ table: CONTENT_PARTS.name, columns });
      write(valuesOf({ ...part }, columns));
      written += 1;
    }
  }
  return written;
}

function pageAfter({ name, key }: ExportedTable, limit: number, last: Row | undefined): [string, SqlValue[]] {
  const order = key.join(", ");
  // sql: table and key are constants of tables.ts, here and below.
  if (last === undefined) return [`SELECT * FROM ${name} ORDER BY ${order} LIMIT $1`, [limit]];
  return [
    // sql: as above.
    `SELECT * FROM ${name} WHERE (${order}) > (${placeholders(key.length, 2)}) ORDER BY ${order} LIMIT $1`,
    [limit, ...valuesOf(last, key)],
  ];
}

function numbered(row: Row, { cursor: column }: ExportedTable, cursors: NumberedCursors): Row {
  const cursor = column === undefined ? null : textOrNull(row, column);
  return column === undefined || cursor === null ? row : { ...row, [column]: cursors.numberOf(cursor) };
}
