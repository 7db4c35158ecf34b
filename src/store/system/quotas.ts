import { int, many, only, sole, text } from "../rows.js";
import { insertInto, insertRows, type RowOf, table } from "../tables.js";
import { type Statement, statementsOf, type Tx } from "../tx.js";

/** An agent with all handles that came last over its connection; `session` is empty for an agent without one. */
export interface QuotaParty {
  readonly agent: string;
  readonly session: string;
}

/** `$1` is the agent, `$2` the session of its connection. */
const PARTY = "(SELECT name FROM agents WHERE name = $1 OR session = $2)";

const LOCKS = `SELECT count(*) AS used FROM file_locks WHERE session = $2 OR agent IN ${PARTY}`;
const OPEN = "c.pending + c.ready + c.running + c.waiting + c.in_review + c.blocked";
const TASKS = `SELECT CAST(
  (SELECT COALESCE(sum(${OPEN}), 0) FROM runs r JOIN run_counters c ON c.run = r.id
    WHERE r.ended_at IS NULL AND r.kind <> 'standing' AND r.created_by IN ${PARTY})
  + (SELECT count(*) FROM added_tasks a JOIN tasks t ON t.id = a.task
    WHERE t.ended_at IS NULL AND a.agent IN ${PARTY}) AS BIGINT) AS used`;

/** Locks that are held, offered or waited for. */
export function* locksOf({ agent, session }: QuotaParty): Tx<number> {
  return yield* sole(only("used", int), [LOCKS, [agent, session]]);
}

/** Open tasks: those of runs that it made, and those that it added to others. */
export function* openTasksOf({ agent, session }: QuotaParty): Tx<number> {
  return yield* sole(only("used", int), [TASKS, [agent, session]]);
}

const ADDED = table("added_tasks", { task: text, agent: text });
const ADD = insertInto(ADDED);
const FORGET = `DELETE FROM added_tasks WHERE agent = $1
  AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = added_tasks.task AND t.ended_at IS NULL)`;

/** Records who added tasks, and forgets those of the same agent that have ended. */
export function* recordAddedTasks(agent: string, tasks: readonly string[]): Tx<void> {
  yield [FORGET, [agent]];
  yield* insertRows(
    ADD,
    tasks.map((task) => ({ task, agent })),
  );
}

const WRITTEN = table("written_bytes", { writer: text, hour: int, bytes: int });
export interface WrittenBytes extends RowOf<typeof WRITTEN> {}

// Two rows, always in the order of agent and connection: no two transactions wait for each other.
const ADD_BYTES = insertInto(
  WRITTEN,
  `ON CONFLICT (writer) DO UPDATE SET
     bytes = CASE WHEN written_bytes.hour = excluded.hour THEN written_bytes.bytes ELSE 0 END + excluded.bytes,
     hour = excluded.hour
   RETURNING bytes`,
);

/** Adds to what both have written in an hour; returns the larger sum. */
export function* addWrittenBytes(writers: readonly [string, string], hour: number, bytes: number): Tx<number> {
  const rows = writers.map((writer): WrittenBytes => ({ writer, hour, bytes }));
  return Math.max(...(yield* many(only("bytes", int), ADD_BYTES(rows))));
}

/** Removes what was written in earlier hours. */
export function* forgetWrittenBytes(hour: number): Tx<void> {
  yield ["DELETE FROM written_bytes WHERE hour < $1", [hour]];
}

const WRITES = /^\s*(?:INSERT|UPDATE)\b/;

/** Bytes of the values that a statement writes. */
export function bytesWritten([sql, params = []]: Statement): number {
  if (!WRITES.test(sql)) return 0;
  return params.reduce((sum: number, value) => sum + (typeof value === "string" ? Buffer.byteLength(value) : 8), 0);
}

/** Runs a transaction, and shows each of its statements to `count`. */
export function* metered<T>(transaction: Tx<T>, count: (statement: Statement) => void): Tx<T> {
  let step = transaction.next();
  while (step.done !== true) {
    for (const statement of statementsOf(step.value)) count(statement);
    step = transaction.next(yield step.value);
  }
  return step.value;
}
