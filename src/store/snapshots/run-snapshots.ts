import { deleteEdgesTo, type Edge, insertEdges } from "../tasks/dependencies.js";
import { eachIn, int, json, placeholders, text } from "../rows.js";
import { insertInto, insertRows } from "../tables.js";
import { first, type Row, type SqlValue, type Tx } from "../tx.js";

/**
 * Rows of a run as they are, by whatever columns their tables have: for copies that are kept, and for writing them back. So a
 * column that is added later is carried without being named here.
 */

/** A task's row with what belongs to it. */
export interface SnapshotTask {
  readonly row: Row;
  /** JSON text. */
  readonly spec: string;
  /** Ids of the tasks it depends on, in their order. */
  readonly needs: readonly string[];
}

/** A column that stands empty since definitions have a table of their own. */
const DEFINITION = "definition";

/** A run's row without its definition. */
export function* runRow(run: string): Tx<Row | undefined> {
  const columns = (yield* columnsOf("runs")).filter((column) => column !== DEFINITION).join(", ");
  // sql: the columns are the table's own.
  return yield* first([`SELECT ${columns} FROM runs WHERE id = $1`, [run]]);
}

/** The columns of a table, as it has them now. */
export function* columnsOf(table: "runs" | "tasks"): Tx<string[]> {
  // sql: one of two. Joined to nothing, a row of nulls tells their names.
  const named = yield* first([`SELECT t.* FROM (SELECT 1 AS one) AS o LEFT JOIN ${table} t ON t.id = ''`]);
  return Object.keys(named ?? {});
}

/** Writes a run as a row says. One that is new takes its definition over from another. */
export function* writeRun(row: Row, origin: string): Tx<void> {
  yield* writeRows("runs", [row]);
  if (row["id"] === origin) return;
  yield [
    "INSERT INTO run_definitions (run, definition) SELECT $2, definition FROM run_definitions WHERE run = $1",
    [origin, text(row, "id")],
  ];
}

export interface TaskPageQuery {
  readonly run: string;
  readonly columns: readonly string[];
  /** Tasks whose key comes later. */
  readonly after: string;
  readonly limit: number;
}

export interface TaskPage {
  /** As `tasksOfPage` reads it. */
  readonly text: string;
  /** Key of the last. */
  readonly last: string;
  readonly tally: RunTally;
}

/**
 * Tasks in the order of their keys, or undefined where there are no more. In the first line of the text stands a JSON array of arrays:
 * for each column its values, and at the end what each task depends on, joined by commas. Then comes a line for each spec.
 *
 * The database words them, a column at a time: so PostgreSQL looks up how a type is written once in a page and not for every value (6 µs a
 * task against 14), and no task becomes an object here. Specs are JSON that `JSON.stringify` wrote, on one line: nothing of them needs to be
 * escaped. They are looked up for each task, because a join is planned as one with all specs that there are.
 */
export function* taskPage({ run, columns, after, limit }: TaskPageQuery): Tx<TaskPage | undefined> {
  const lists = columns.map((column) => `%JSON_LIST%(t.${column}) AS ${column}`).join(", ");
  const page = yield* first([
    // sql: the columns are the table's own.
    `SELECT max(t.key) AS page_last, ${lists}, %JSON_LIST%(t.page_needs) AS page_needs,
        string_agg(t.page_spec, '\n') AS page_specs
      FROM (SELECT t.*, (SELECT s.spec FROM task_specs s WHERE s.task = t.id) AS page_spec,
          (SELECT string_agg(d.dependency, ',') FROM dependencies d WHERE d.task = t.id) AS page_needs
        FROM tasks t WHERE t.run = $1 AND t.key > $2 ORDER BY t.key LIMIT $3) AS t`,
    [run, after, limit],
  ]);
  if (page === undefined || page["page_last"] === null) return undefined;
  const counts: Record<string, number> = {};
  for (const status of json<string[]>(page, "status")) counts[status] = (counts[status] ?? 0) + 1;
  return {
    text: `[${[...columns, "page_needs"].map((column) => text(page, column)).join(",")}]\n${text(page, "page_specs")}`,
    last: text(page, "page_last"),
    tally: { counts, attempts: json<number[]>(page, "attempt").reduce((sum, attempt) => sum + attempt, 0) },
  };
}

/** Takes apart what `taskPage` has worded. Throws for what is none. */
export function tasksOfPage(columns: readonly string[], page: string): SnapshotTask[] {
  const [lists = "", ...specs] = page.split("\n");
  const values = JSON.parse(lists) as SqlValue[][];
  const needs = values.at(columns.length);
  if (needs?.length !== specs.length) throw new Error(`a page of ${specs.length} specs with ${needs?.length} tasks`);
  return specs.map((spec, at) => ({
    row: rowOf(columns, (of) => values[of]?.[at]),
    spec,
    needs: needsOf(needs[at] ?? null),
  }));
}

/** The same of a page as checkpoints of format 1 have it: a JSON array of a row for each task, with its spec and what it depends on. */
export function tasksOfRows(columns: readonly string[], page: string): SnapshotTask[] {
  return (JSON.parse(page) as (readonly SqlValue[])[]).map((values) => {
    if (values.length !== columns.length + 2) throw new Error(`a task of ${values.length} values`);
    const [spec, needs] = values.slice(columns.length);
    if (typeof spec !== "string") throw new Error("a task without spec");
    return { row: rowOf(columns, (of) => values[of]), spec, needs: needsOf(needs ?? null) };
  });
}

function rowOf(columns: readonly string[], valueOf: (column: number) => SqlValue | undefined): Row {
  const row: Record<string, SqlValue> = {};
  // Not Object.fromEntries, which makes a pair for each of a million values.
  for (let at = 0; at < columns.length; at++) row[columns[at] as string] = valueOf(at) ?? null;
  return row;
}

function needsOf(joined: SqlValue): string[] {
  return typeof joined === "string" ? joined.split(",").sort() : [];
}

export interface RunTally {
  readonly counts: Readonly<Record<string, number>>;
  /** Attempts of all tasks together. */
  readonly attempts: number;
}

/** Counted: the counters do not tell of attempts. */
export function* tallyOf(run: string): Tx<RunTally> {
  const rows = yield [
    `SELECT status, count(*) AS tasks, CAST(sum(attempt) AS BIGINT) AS attempts FROM tasks WHERE run = $1
     GROUP BY status ORDER BY status`,
    [run],
  ];
  return {
    counts: Object.fromEntries(rows.map((row) => [text(row, "status"), int(row, "tasks")])),
    attempts: rows.reduce((sum, row) => sum + int(row, "attempts"), 0),
  };
}

export interface SnapshotSize {
  readonly tasks: number;
  /** Of texts, which can be long; not of what each task has beside. */
  readonly bytes: number;
}

/** Whether a copy of a run would be larger than this. Of texts only the lengths are read. */
export function* isLarger(run: string, than: SnapshotSize): Tx<boolean> {
  const ofTasks = yield* first([
    `SELECT count(*) AS tasks, CAST(COALESCE(sum(one.bytes), 0) AS BIGINT) AS bytes
      FROM (SELECT COALESCE(octet_length(t.reasons), 0)
          + (SELECT octet_length(s.spec) FROM task_specs s WHERE s.task = t.id) AS bytes
        FROM tasks t WHERE t.run = $1 LIMIT $2) AS one`,
    [run, than.tasks + 1],
  ]);
  if (ofTasks === undefined || int(ofTasks, "tasks") > than.tasks) return true;
  const beside = yield* first([
    `SELECT CAST(COALESCE(sum(one.bytes), 0) AS BIGINT) AS bytes
      FROM (SELECT octet_length(payload) AS bytes FROM signals WHERE run = $1
        UNION ALL SELECT octet_length(error) FROM dead_letters WHERE run = $1 AND status = 'pending') AS one`,
    [run],
  ]);
  return int(ofTasks, "bytes") + (beside === undefined ? 0 : int(beside, "bytes")) > than.bytes;
}

/** Returns the signals that were sent and not received. */
export function* signalRows(run: string): Tx<readonly Row[]> {
  return yield ["SELECT * FROM signals WHERE run = $1 ORDER BY id", [run]];
}

export function* replaceSignals(run: string, rows: readonly Row[]): Tx<number> {
  const gone = yield ["DELETE FROM signals WHERE run = $1 RETURNING id", [run]];
  yield* writeRows("signals", rows);
  return gone.filter((row) => !rows.some(({ id }) => id === row["id"])).length;
}

/** Writes rows over those of the same id, or adds them. All have the same columns. */
export function* writeRows(table: "runs" | "tasks" | "signals", rows: readonly Row[]): Tx<void> {
  const [row] = rows;
  if (row === undefined) return;
  const columns = Object.keys(row);
  // Ours, or read from a copy whose hash was right: still nothing else than a name stands in a text.
  const strange = columns.find((column) => !/^[a-z][a-z0-9_]*$/.test(column));
  if (strange !== undefined) throw new Error(`${table} have no column ${strange}`);
  const changes = columns.filter((column) => column !== "id").map((column) => `${column} = excluded.${column}`);
  const write = (one: Row, values: SqlValue[]) => columns.forEach((column) => values.push(one[column] ?? null));
  yield* insertRows(
    insertInto({ name: table, names: columns, write }, `ON CONFLICT (id) DO UPDATE SET ${changes.join(", ")}`),
    rows,
  );
}

const WRITE_SPECS = insertInto<readonly [task: string, spec: string]>(
  { name: "task_specs", names: ["task", "spec"], write: ([task, spec], values) => values.push(task, spec) },
  "ON CONFLICT (task) DO UPDATE SET spec = excluded.spec",
);

export function* writeSpecs(specs: readonly (readonly [task: string, spec: string])[]): Tx<void> {
  yield* insertRows(WRITE_SPECS, specs);
}

interface Needs {
  readonly id: string;
  /** Ids of the tasks it depends on. */
  readonly needs: readonly string[];
}

/** Replaces the dependencies of tasks. */
export function* replaceNeeds(tasks: readonly Needs[]): Tx<void> {
  yield* deleteEdgesTo(tasks.map(({ id }) => id));
  yield* writeNeeds(tasks);
}

/** Writes the dependencies of new tasks. */
export function writeNeeds(tasks: readonly Needs[]): Tx<void> {
  return insertEdges(tasks.flatMap(({ id, needs }) => needs.map((dependency): Edge => [dependency, id])));
}

/** Moves the tokens on, so that former holders are fenced off. */
export function* growTokens(tasks: readonly string[]): Tx<void> {
  yield* eachIn(tasks, (chunk) => [
    `UPDATE tasks SET token = token + 1 WHERE id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}
