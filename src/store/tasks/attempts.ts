import { ATTEMPT_OUTCOMES } from "../../base/statuses.js";
import {
  many,
  manyIn,
  placeholders,
  bySize,
  chunksOf,
  flag,
  int,
  intOrNull,
  jsonOrNull,
  one,
  oneOf,
  text,
  textOrNull,
} from "../rows.js";
import { columns, insertInto, insertRows, named, type RowOf, table } from "../tables.js";
import { first, type SqlValue, type Tx } from "../tx.js";

/** The error of an attempt. */
export interface AttemptError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string | undefined;
  /** Facts of the attempt from the sender of a task to the dead letters. */
  readonly context?: unknown;
}

export const ATTEMPTS = table("attempts", {
  task: text,
  number: int,
  agent: text,
  token: int,
  startedAt: int,
  endedAt: int,
  outcome: oneOf(ATTEMPT_OUTCOMES),
  result: jsonOrNull<unknown>,
  error: jsonOrNull<AttemptError>,
  usage: jsonOrNull<Record<string, unknown>>,
  note: textOrNull,
  /** The session of its holder; null for one without a process, and for the server. */
  session: textOrNull,
});
/** An attempt that has ended. The open one stands in its task's row. */
export interface Attempt extends RowOf<typeof ATTEMPTS> {}

const INSERT = insertInto(ATTEMPTS);

export function* insertAttempt(attempt: Attempt): Tx<void> {
  yield INSERT([attempt]);
}

/** An attempt of the server's own, which says again what another came to. */
export interface Carried {
  readonly task: string;
  readonly number: number;
  readonly token: number;
  /** The attempt that counts from now on; null for none. */
  readonly from: { readonly task: string; readonly number: number } | null;
}

// By number of rows. Both databases call the columns of VALUES so.
const CARRY = bySize((size) => {
  const rows = Array.from({ length: size }, (_, at) => `(${[3, 4, 5, 6, 7].map((n) => `$${n + at * 5}`).join(", ")})`);
  // sql: numbers of parameters.
  return `INSERT INTO attempts (task, number, agent, token, started_at, ended_at, outcome, result, error, note)
    SELECT m.column1, CAST(m.column2 AS INTEGER), $1, CAST(m.column3 AS BIGINT), CAST($2 AS BIGINT), CAST($2 AS BIGINT),
      a.outcome, a.result, a.error, a.note
    FROM (VALUES ${rows.join(", ")}) AS m JOIN attempts a ON a.task = m.column4 AND a.number = CAST(m.column5 AS INTEGER)
    WHERE true RETURNING task`;
});
export interface Carrying {
  readonly by: string;
  readonly at: number;
  /** Note of attempts without a result. */
  readonly note: string;
}

/** Adds such attempts. Gives how many there were to carry from: fewer than asked for where one is gone. */
export function* carryAttempts(attempts: readonly Carried[], { by, at, note }: Carrying): Tx<number> {
  const blank = attempts.filter(({ from }) => from === null);
  const nothing = {
    agent: by,
    startedAt: at,
    endedAt: at,
    outcome: "released" as const,
    result: null,
    error: null,
    usage: null,
    session: null,
  };
  yield* insertRows(
    INSERT,
    blank.map(({ task, number, token }) => ({ ...nothing, task, number, token, note })),
  );
  let found = blank.length;
  for (const chunk of chunksOf(attempts.flatMap(({ from, ...to }) => (from === null ? [] : [{ ...to, from }])))) {
    const values: SqlValue[] = [by, at];
    // As text where the database would otherwise have to guess the type of a column.
    for (const { task, number, token, from } of chunk)
      values.push(task, String(number), String(token), from.task, String(from.number));
    found += (yield [CARRY(chunk.length), values]).length;
  }
  return found;
}

/** The highest number and token that any attempt of a task has had. */
export function* lastUsed(task: string): Tx<{ number: number; token: number }> {
  const row = yield* first([
    "SELECT COALESCE(max(number), 0) AS number, COALESCE(max(token), 0) AS token FROM attempts WHERE task = $1",
    [task],
  ]);
  return row ? { number: int(row, "number"), token: int(row, "token") } : { number: 0, token: 0 };
}

export function* attemptsOf(task: string): Tx<Attempt[]> {
  return yield* many(ATTEMPTS.read, [
    `SELECT ${ATTEMPTS.columns} FROM attempts WHERE task = $1 ORDER BY number LIMIT 200`,
    [task],
  ]);
}

/** The newest ended attempt that left a partial result or an error of its own, else the newest: what the next one begins with. */
export function* tellingAttempt(task: string): Tx<Attempt | undefined> {
  return yield* one(ATTEMPTS.read, [
    `SELECT ${ATTEMPTS.columns} FROM attempts WHERE task = $1
     ORDER BY CASE WHEN result IS NOT NULL OR (error IS NOT NULL AND outcome IN ('failed', 'timed_out')) THEN 0 ELSE 1 END, number DESC LIMIT 1`,
    [task],
  ]);
}

/** The last attempts of a task whose lease was lost, the latest first. */
export function* lostAttempts(task: string, limit: number): Tx<Attempt[]> {
  return yield* many(ATTEMPTS.read, [
    `SELECT ${ATTEMPTS.columns} FROM attempts WHERE task = $1 AND outcome = 'lease_lost' ORDER BY number DESC LIMIT $2`,
    [task, limit],
  ]);
}

const ENDED = columns({
  agent: text,
  outcome: oneOf(ATTEMPT_OUTCOMES),
  startedAt: int,
  endedAt: int,
  /** When the process of its holder was heard of last; null where that is not known. */
  renewedAt: intOrNull,
});

/** How an attempt of a task ended, and the last sign of life of its holder's process. */
export function* endOfAttempt(task: string, number: number): Tx<RowOf<typeof ENDED> | undefined> {
  return yield* one(ENDED.read, [
    `SELECT a.agent, a.outcome, a.started_at, a.ended_at, s.renewed_at FROM attempts a LEFT JOIN sessions s ON s.id = a.session
     WHERE a.task = $1 AND a.number = $2`,
    [task, number],
  ]);
}

export function* findAttemptByToken(task: string, token: number): Tx<Attempt | undefined> {
  return yield* one(ATTEMPTS.read, [
    `SELECT ${ATTEMPTS.columns} FROM attempts WHERE task = $1 AND token = $2`,
    [task, token],
  ]);
}

const DEPENDENCY_RESULTS = columns({
  task: text,
  key: text,
  status: text,
  /** The agent that did it; null for a task that has not succeeded, or that the server did. */
  agent: textOrNull,
  /** The beginning of the JSON text of the result. */
  result: textOrNull,
  /** Whether it has put artifacts that count. */
  hasArtifacts: flag,
});
export interface DependencyResult extends RowOf<typeof DEPENDENCY_RESULTS> {}

/** How the dependencies of a task ended, with so many characters of the result of those that succeeded. At most 1,000. */
export function* dependencyResults(task: string, chars: number): Tx<DependencyResult[]> {
  return yield* many(DEPENDENCY_RESULTS.read, [
    // A plan's result has become the tasks themselves.
    `SELECT n.id AS task, n.key, n.status, a.agent, CASE WHEN n.kind = 'plan' THEN NULL ELSE substr(a.result, 1, $2) END AS result,
       CASE WHEN EXISTS (SELECT 1 FROM artifacts x WHERE x.task = n.id AND x.superseded = 0) THEN 1 ELSE 0 END AS has_artifacts
     FROM dependencies d JOIN tasks n ON n.id = d.dependency
     LEFT JOIN attempts a ON a.task = n.id AND a.number = n.attempt AND a.outcome = 'succeeded'
     WHERE d.task = $1 ORDER BY n.id LIMIT 1000`,
    [task, chars],
  ]);
}

const LAST_AGENTS = columns({ task: text, agent: text, session: textOrNull });

/** The agents of the newest attempts of these tasks, in no order. */
export function* lastAgents(tasks: readonly string[]): Tx<RowOf<typeof LAST_AGENTS>[]> {
  return yield* manyIn(LAST_AGENTS.read, tasks, (chunk) => [
    `SELECT a.task, a.agent, a.session FROM tasks t JOIN attempts a ON a.task = t.id AND a.number = t.attempt WHERE t.id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

const STATS = columns({ outcome: oneOf(ATTEMPT_OUTCOMES), count: named("attempts", int), meanMs: int });

/** An agent's attempts by how they ended, with their mean duration in milliseconds. */
export function* attemptStats(agent: string): Tx<RowOf<typeof STATS>[]> {
  return yield* many(STATS.read, [
    `SELECT outcome, count(*) AS attempts, CAST(avg(ended_at - started_at) AS BIGINT) AS mean_ms FROM attempts
     WHERE agent = $1 GROUP BY outcome ORDER BY outcome`,
    [agent],
  ]);
}

const RECENT_IN_RUN = `SELECT 1 AS one FROM (
    SELECT task FROM attempts WHERE agent = $1 ORDER BY ended_at DESC LIMIT $3
  ) AS recent JOIN tasks t ON t.id = recent.task WHERE t.run = $2 LIMIT 1`;

/** Whether one of an agent's `limit` newest attempts was in a run. */
export function* hasWorkedIn(run: string, agent: string, limit: number): Tx<boolean> {
  return (yield [RECENT_IN_RUN, [agent, run, limit]]).length > 0;
}

const RECENT_OUTCOMES = columns({ outcome: oneOf(ATTEMPT_OUTCOMES), startedAt: int, endedAt: int });

/** How an agent's newest attempts ended, the newest first. */
export function* recentOutcomes(agent: string, limit: number): Tx<RowOf<typeof RECENT_OUTCOMES>[]> {
  return yield* many(RECENT_OUTCOMES.read, [
    "SELECT outcome, started_at, ended_at FROM attempts WHERE agent = $1 ORDER BY ended_at DESC, number DESC LIMIT $2",
    [agent, limit],
  ]);
}

export function* recentAttemptsOf(agent: string, limit: number): Tx<Attempt[]> {
  return yield* many(ATTEMPTS.read, [
    `SELECT ${ATTEMPTS.columns} FROM attempts WHERE agent = $1 ORDER BY ended_at DESC LIMIT $2`,
    [agent, limit],
  ]);
}

const TOLD = columns({
  task: text,
  number: int,
  agent: text,
  startedAt: int,
  endedAt: int,
  outcome: oneOf(ATTEMPT_OUTCOMES),
  /** The beginning of the JSON text of the result. */
  result: textOrNull,
  error: jsonOrNull<AttemptError>,
  note: textOrNull,
});
/** An attempt as far as a brief tells it. */
export interface ToldAttempt extends RowOf<typeof TOLD> {}

/** Returns the ended attempts of tasks in order, with so many characters of each result. At most 1,000 of 128 tasks. */
export function* attemptsOfTasks(tasks: readonly string[], chars: number): Tx<ToldAttempt[]> {
  return yield* manyIn(TOLD.read, tasks, (chunk) => [
    `SELECT task, number, agent, started_at, ended_at, outcome, substr(result, 1, $1) AS result, error, note FROM attempts
     WHERE task IN (${placeholders(chunk.length, 2)}) ORDER BY task, number LIMIT 1000`,
    [chars, ...chunk],
  ]);
}
