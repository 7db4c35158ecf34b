import type { Row, SqlValue, Statement, Tx } from "./tx.js";

/** Returns the rows of a statement as objects. */
export function* many<T>(read: (row: Row) => T, statement: Statement): Tx<T[]> {
  return (yield statement).map(read);
}

/** Returns the first row of a statement as an object. */
export function* one<T>(read: (row: Row) => T, statement: Statement): Tx<T | undefined> {
  const [row] = yield statement;
  return row && read(row);
}

/** Returns the one row of a statement that always has one, as an object. */
export function* sole<T>(read: (row: Row) => T, statement: Statement): Tx<T> {
  const [row] = yield statement;
  if (!row) throw new Error(`a statement without its row: ${statement[0]}`);
  return read(row);
}

/** Returns the rows of a statement that runs for each chunk of a list. */
export function* manyIn<T, I>(read: (row: Row) => T, items: readonly I[], statementOf: ForChunk<I>): Tx<T[]> {
  const found: T[] = [];
  for (const chunk of chunksOf(items)) for (const row of yield statementOf(chunk)) found.push(read(row));
  return found;
}

/** Returns the same rows as a map, by what `read` puts first. */
export function* mapIn<V>(
  read: (row: Row) => [key: string, value: V],
  keys: readonly string[],
  statementOf: ForChunk<string>,
): Tx<Map<string, V>> {
  return new Map(yield* manyIn(read, keys, statementOf));
}

/** Runs a statement for each chunk of a list. */
export function* eachIn<I>(items: readonly I[], statementOf: ForChunk<I>): Tx<void> {
  for (const chunk of chunksOf(items)) yield statementOf(chunk);
}

type ForChunk<I> = (chunk: readonly I[]) => Statement;

/** Whether a guarded write hit a row, or a query found one. The write says RETURNING. */
export function* hit(statement: Statement): Tx<boolean> {
  return (yield statement).length > 0;
}

/** How many rows a guarded write hit. */
export function* hits(statement: Statement): Tx<number> {
  return (yield statement).length;
}

/** A reader of one column. */
export function only<T>(column: string, as: (row: Row, column: string) => T): (row: Row) => T {
  return (row) => as(row, column);
}

export const idOf = only("id", text);

/** Typed readers of columns: the one place where what a driver hands over is checked. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw mismatch(row, column, "text");
  return value;
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

export function int(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw mismatch(row, column, "an integer");
  return value;
}

export function intOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : int(row, column);
}

/** A JSON column. The shape is the writer's: each such column is written and read by one store module. */
export function json<T>(row: Row, column: string): T {
  const value = text(row, column);
  // Most such columns are empty in most rows; a claim reads six of them.
  return (value === "[]" ? [] : value === "{}" ? {} : JSON.parse(value)) as T;
}

export function jsonOrNull<T>(row: Row, column: string): T | null {
  return row[column] === null ? null : json<T>(row, column);
}

/** A boolean, kept as 0 or 1. */
export function flag(row: Row, column: string): boolean {
  return int(row, column) === 1;
}

/** A JSON array that is null where it is empty. */
export function list<T>(row: Row, column: string): readonly T[] {
  return jsonOrNull<readonly T[]>(row, column) ?? [];
}

/** A text that is one of a few. */
export function oneOf<const V extends string>(values: readonly V[]): (row: Row, column: string) => V {
  const known: ReadonlySet<string> = new Set(values);
  return (row, column) => {
    const value = text(row, column);
    if (!known.has(value)) throw new Error(`column ${column} is "${value}", wanted one of ${values.join(", ")}`);
    return value as V;
  };
}

export function oneOfOrNull<const V extends string>(values: readonly V[]): (row: Row, column: string) => V | null {
  const read = oneOf(values);
  return (row, column) => (row[column] === null ? null : read(row, column));
}

function mismatch(row: Row, column: string, wanted: string): Error {
  return new Error(
    `column ${column} is ${typeof row[column]}, wanted ${wanted}; the row has ${Object.keys(row).join(", ")}`,
  );
}

/** `$from, …, $(from+count-1)`, for lists in a statement. */
export function placeholders(count: number, from = 1): string {
  return Array.from({ length: count }, (_, i) => `$${from + i}`).join(", ");
}

/** A WHERE clause of those conditions (`column =`, `id <`) whose value is given, and its parameters. */
export function conditionsOf(wanted: readonly (readonly [comparison: string, value: SqlValue | undefined])[]): {
  where: string;
  params: SqlValue[];
} {
  const given = wanted.flatMap(([comparison, value]) => (value === undefined ? [] : [{ comparison, value }]));
  const conditions = given.map(({ comparison }, at) => `${comparison} $${at + 1}`);
  return {
    where: conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`,
    params: given.map(({ value }) => value),
  };
}

// Lists are cut into these sizes, so that the number of distinct texts, each prepared once, stays small.
const CHUNKS = [128, 16, 4, 2, 1] as const;

/** A text per length of list, each put together once. */
export function bySize(sqlOf: (size: number) => string): (size: number) => string {
  const texts = new Map<number, string>();
  return (size) => {
    const known = texts.get(size) ?? sqlOf(size);
    texts.set(size, known);
    return known;
  };
}

/** Cuts a list into pieces of a few fixed sizes. */
export function chunksOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length <= 1) return items.length === 0 ? [] : [items];
  const chunks: T[][] = [];
  let at = 0;
  for (const size of CHUNKS) {
    for (; items.length - at >= size; at += size) chunks.push(items.slice(at, at + size));
  }
  return chunks;
}
