import { chunksOf, insertRows, int, placeholders, text } from "./rows.js";
import { first, type Row, type SqlValue, type Tx } from "./tx.js";

/**
 * Rows of a run as they are, by whatever columns their tables have: for copies that are kept, and for writing them back. So a
 * column that is added later is carried without being named here.
 */

/** A task's row with what belongs to it. */
export interface CopiedTask {
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
  readonly rows: string[];
  /** Key of the last. */
  readonly last: string;
  readonly tally: RunTally;
}

/**
 * Tasks in the order of their keys, each as the text of a JSON array: its columns, its spec, and what it depends on joined by commas. The
 * database words them: 10,000 tasks take 70 ms so, and 240 ms as objects that are turned into text here.
 */
export function* taskPage({ run, columns, after, limit }: TaskPageQuery): Tx<TaskPage> {
  const selected = columns.map((column) => `t.${column}`).join(", ");
  const found = yield [
    // sql: the columns are the table's own.
    `SELECT t.key, t.status, t.attempt, CAST(%JSON_ARRAY%(${selected}, s.spec,
        (SELECT string_agg(d.dependency, ',') FROM dependencies d WHERE d.task = t.id)) AS TEXT) AS content
      FROM tasks t JOIN task_specs s ON s.task = t.id WHERE t.run = $1 AND t.key > $2 ORDER BY t.key LIMIT $3`,
    [run, after, limit],
  ];
  const counts: Record<string, number> = {};
  let attempts = 0;
  for (const row of found) {
    const status = text(row, "status");
    counts[status] = (counts[status] ?? 0) + 1;
    attempts += int(row, "attempt");
  }
  const last = found.at(-1);
  return {
    rows: found.map((row) => text(row, "content")),
    last: last === undefined ? "" : text(last, "key"),
    tally: { counts, attempts },
  };
}

/** A row that `taskPage` has worded. Throws for what is none. */
export function copiedTask(columns: readonly string[], values: readonly SqlValue[]): CopiedTask {
  if (values.length !== columns.length + 2) throw new Error(`a task of ${values.length} values`);
  const row: Record<string, SqlValue> = {};
  for (let at = 0; at < columns.length; at++) row[columns[at] as string] = values[at] as SqlValue;
  const [spec, needs] = values.slice(columns.length);
  if (typeof spec !== "string") throw new Error("a task without spec");
  return { row, spec, needs: typeof needs === "string" ? needs.split(",").sort() : [] };
}

export interface RunTally {
  readonly counts: Readonly<Record<string, number>>;
  /** Of all tasks together. */
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

export interface CopySize {
  readonly tasks: number;
  /** Of texts, which can be long; not of what each task has beside. */
  readonly bytes: number;
}

/** Whether a copy of a run would be larger than this. Of texts only the lengths are read. */
export function* isLarger(run: string, than: CopySize): Tx<boolean> {
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

/** What was sent and nobody has taken. */
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
  yield* insertRows(
    { table, columns, suffix: `ON CONFLICT (id) DO UPDATE SET ${changes.join(", ")}` },
    rows.map((one) => columns.map((column) => one[column] ?? null)),
  );
}

const WRITE_SPECS = {
  table: "task_specs",
  columns: ["task", "spec"],
  suffix: "ON CONFLICT (task) DO UPDATE SET spec = excluded.spec",
} as const;

export function* writeSpecs(specs: readonly (readonly [task: string, spec: string])[]): Tx<void> {
  yield* insertRows(WRITE_SPECS, specs);
}

const INSERT_DEPENDENCY = { table: "dependencies", columns: ["task", "dependency"] } as const;

/** What tasks depend on, instead of what they did. */
export function* replaceNeeds(tasks: readonly { id: string; needs: readonly string[] }[]): Tx<void> {
  for (const chunk of chunksOf(tasks.map(({ id }) => id))) {
    yield [`DELETE FROM dependencies WHERE task IN (${placeholders(chunk.length)})`, chunk];
  }
  yield* insertRows(
    INSERT_DEPENDENCY,
    tasks.flatMap(({ id, needs }) => needs.map((dependency) => [id, dependency])),
  );
}

/** Tasks that are out of the graph: neither depends on anything nor is depended on. */
export function* detachTasks(tasks: readonly string[]): Tx<void> {
  for (const chunk of chunksOf(tasks)) {
    yield [`DELETE FROM dependencies WHERE task IN (${placeholders(chunk.length)})`, chunk];
    yield [`DELETE FROM dependencies WHERE dependency IN (${placeholders(chunk.length)})`, chunk];
  }
}

/** Whoever held one of these holds it no longer. */
export function* growTokens(tasks: readonly string[]): Tx<void> {
  for (const chunk of chunksOf(tasks)) {
    yield [`UPDATE tasks SET token = token + 1 WHERE id IN (${placeholders(chunk.length)})`, chunk];
  }
}
