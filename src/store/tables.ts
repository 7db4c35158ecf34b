import { compile } from "./compile.js";
import {
  bySize,
  chunksOf,
  flag,
  int,
  intOrNull,
  json,
  jsonOrNull,
  list,
  placeholders,
  text,
  textOrNull,
} from "./rows.js";
import type { Row, SqlValue, Statement, Tx } from "./tx.js";

/** Reads one column of a row and checks what it holds. The readers of rows.ts are columns. */
export type Column<T> = (row: Row, column: string) => T;

/** A column whose name is not that of its field in snake case. */
export interface Named<T> {
  readonly column: string;
  readonly as: Column<T>;
}

export function named<T>(column: string, as: Column<T>): Named<T> {
  return { column, as };
}

type Fields = Readonly<Record<string, Column<unknown> | Named<unknown>>>;
type ObjectOf<F> = {
  readonly [K in keyof F]: F[K] extends Column<infer T> ? T : F[K] extends Named<infer T> ? T : never;
};

/** Columns of one or several tables, and the object that a row of them becomes. */
export interface Columns<T> {
  /** `id, run, …`, for SELECT and RETURNING. */
  readonly columns: string;
  /** The same of a table under an alias: `t.id, t.run, …`. */
  columnsOf(alias: string): string;
  readonly read: (row: Row) => T;
}

/** A table: its name, its columns, and both ways between a row and an object. */
export interface Table<T> extends Columns<T>, Writable<T> {
  /** Some of the columns. */
  pick<K extends keyof T>(...fields: readonly K[]): Table<Pick<T, K>>;
}

/** The type of the objects of a table or of columns. */
export type RowOf<C> = C extends Columns<infer T> ? T : never;

interface Writable<T> {
  readonly name: string;
  readonly names: readonly string[];
  /** Appends the values of an object in the order of `names`. */
  readonly write: (object: T, values: SqlValue[]) => unknown;
}

interface Field {
  readonly field: string;
  readonly column: string;
  readonly as: Column<unknown>;
}

/** Describes a table once: the type of its objects, its columns, its reader and its writer follow from it. */
export function table<F extends Fields>(name: string, fields: F): Table<ObjectOf<F>> {
  return tableOf(name, fieldsOf(fields));
}

/** Describes what a statement returns where that is not a table's row. */
export function columns<F extends Fields>(fields: F): Columns<ObjectOf<F>> {
  return columnsOf(fieldsOf(fields));
}

function fieldsOf(fields: Fields): Field[] {
  return Object.entries(fields).map(([field, as]) =>
    typeof as === "function" ? { field, column: snakeCase(field), as } : { field, ...as },
  );
}

function snakeCase(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function tableOf<T>(name: string, fields: readonly Field[]): Table<T> {
  let write: Writable<T>["write"] | undefined;
  return {
    ...columnsOf<T>(fields),
    name,
    names: fields.map(({ column }) => column),
    write: (object, values) => (write ??= compileWriter<T>(fields))(object, values),
    pick: (...picked) =>
      tableOf(
        name,
        fields.filter(({ field }) => (picked as readonly string[]).includes(field)),
      ),
  };
}

function columnsOf<T>(fields: readonly Field[]): Columns<T> {
  let read: ((row: Row) => T) | undefined;
  return {
    columns: fields.map(({ column }) => column).join(", "),
    columnsOf: (alias) => fields.map(({ column }) => `${alias}.${column}`).join(", "),
    read: (row) => (read ??= compileReader<T>(fields))(row),
  };
}

/** How the code of a reader and of a writer treats a kind of column. Without an entry, the column itself reads and the value is written as it is. */
interface Kind {
  /** An expression for the value as it is read, with one for all that is not as it mostly is. */
  readonly read?: (value: string, otherwise: string) => string;
  readonly write?: (value: string) => string;
}

const KINDS: ReadonlyMap<Column<unknown>, Kind> = new Map<Column<unknown>, Kind>([
  [text, { read: (value, otherwise) => `typeof ${value} === "string" ? ${value} : ${otherwise}` }],
  [int, { read: (value, otherwise) => `typeof ${value} === "number" ? ${value} : ${otherwise}` }],
  [
    textOrNull,
    { read: (value, otherwise) => `${value} === null || typeof ${value} === "string" ? ${value} : ${otherwise}` },
  ],
  [
    intOrNull,
    { read: (value, otherwise) => `${value} === null || typeof ${value} === "number" ? ${value} : ${otherwise}` },
  ],
  [
    flag,
    {
      read: (value, otherwise) => `${value} === 1 ? true : ${value} === 0 ? false : ${otherwise}`,
      write: (value) => `${value} ? 1 : 0`,
    },
  ],
  [json, { write: (value) => `JSON.stringify(${value})` }],
  [
    jsonOrNull,
    {
      read: (value, otherwise) => `${value} === null ? null : ${otherwise}`,
      write: (value) => `${value} === null || ${value} === undefined ? null : JSON.stringify(${value})`,
    },
  ],
  [
    list,
    {
      read: (value, otherwise) => `${value} === null ? [] : ${otherwise}`,
      write: (value) => `${value}.length === 0 ? null : JSON.stringify(${value})`,
    },
  ],
]);

function compileReader<T>(fields: readonly Field[]): (row: Row) => T {
  const properties = fields.map(({ field, column, as }, at) => {
    const otherwise = `as[${at}](row, "${column}")`;
    return `${field}: ${KINDS.get(as)?.read?.(`row.${column}`, otherwise) ?? otherwise}`;
  });
  const make = compile<(as: readonly Column<unknown>[]) => (row: Row) => T>(
    ["as"],
    `return (row) => ({ ${properties.join(", ")} });`,
  );
  return make(fields.map(({ as }) => as));
}

function compileWriter<T>(fields: readonly Field[]): Writable<T>["write"] {
  const values = fields.map(({ field, as }) => KINDS.get(as)?.write?.(`object.${field}`) ?? `object.${field}`);
  return compile(["object", "values"], `values.push(${values.join(", ")});`);
}

/** An INSERT of several rows. Its texts, one per number of rows, are put together once. */
export type Insert<T> = (rows: readonly T[]) => Statement;

/** `suffix` follows the values: ON CONFLICT, RETURNING. */
export function insertInto<T>({ name, names, write }: Writable<T>, suffix = ""): Insert<T> {
  const width = names.length;
  const textOf = bySize((size) => {
    const values = Array.from({ length: size }, (_, at) => `(${placeholders(width, 1 + at * width)})`).join(", ");
    // sql: tables and columns are constants of the statement modules, values are placeholders.
    return `INSERT INTO ${name} (${names.join(", ")}) VALUES ${values} ${suffix}`;
  });
  return (rows) => {
    const values: SqlValue[] = [];
    for (const row of rows) write(row, values);
    return [textOf(rows.length), values];
  };
}

/** Inserts rows in as few statements as a small set of prepared texts allows. */
export function* insertRows<T>(insert: Insert<T>, rows: readonly T[]): Tx<void> {
  for (const chunk of chunksOf(rows)) yield insert(chunk);
}
