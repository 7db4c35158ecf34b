import { bySize, eachIn, int, many, manyIn, one, placeholders, text } from "../rows.js";
import { columns, named, type RowOf, type Table, table } from "../tables.js";
import type { SqlValue, Tx } from "../tx.js";

/** The name under which the processes that run commands and tools are learned of: they come and go, and are one. */
export const EXECUTOR = "executor";

export const SUMS = {
  /** A success of half the quality adds one half to each of both. */
  successes: int,
  failures: int,
  /** Durations that the sums of their logarithms (of milliseconds) are over. */
  durations: int,
  logSum: int,
  logSquares: int,
  /** Reviews and feedback, and the sum of the qualities, 0 to 1, that they gave. */
  judged: int,
  quality: int,
  /** Attempts that named a cost, and the sum of those in millionths of a US dollar. */
  costs: int,
  cost: named("cost_micros", int),
};
/** Memory and processor time of commands. */
export const CONSUMED = {
  /** Commands whose peak of memory was measured, and the sums over the logarithms of the bytes. */
  memories: int,
  memoryLogSum: int,
  memoryLogSquares: int,
  /** Commands whose processor time was measured, and the sums over the logarithms of the milliseconds. */
  cpus: int,
  cpuLogSum: int,
  cpuLogSquares: int,
  /** Over the same commands: the processor cores that they used in the mean. */
  coresSum: int,
  coresSquares: int,
};
const OF_AGENTS = {
  /** `AGENT/TYPE`. */
  id: text,
  agent: text,
  type: text,
  ...SUMS,
  /** How many observations there were, however old. */
  observations: int,
  updatedAt: int,
};
const EVIDENCE = table("learning_evidence", OF_AGENTS);
/** Evidence of an agent at a type of task, as it weighed at `updatedAt`. */
export interface StoredEvidence extends RowOf<typeof EVIDENCE> {}
const COMMAND_EVIDENCE = table("learning_evidence", { ...OF_AGENTS, ...CONSUMED });
/** The same of the processes that run commands, with what these have taken. */
export interface CommandEvidence extends RowOf<typeof COMMAND_EVIDENCE> {}

const WEIGHED = columns({ ...SUMS, observations: int });
/** Sums of evidence as they weigh at an instant. */
export interface WeighedEvidence extends RowOf<typeof WEIGHED> {}

/** How evidence fades: by `exp(-perMs × age)`. */
export interface Fading {
  readonly now: number;
  readonly perMs: number;
}

const SUM_COLUMNS = table("learning_evidence", SUMS).names;
const CONSUMED_COLUMNS = table("learning_evidence", CONSUMED).names;

// PostgreSQL fails where a product is too small for a double: what has faded to next to nothing is none.
const EXPONENT_MIN = -50;
const SUM_MIN = 1e-30;

/** A share between instants. Clocks of two hosts may differ: evidence of the future has not faded. */
function share(from: string, to: string, perMs: string): string {
  const exponent = `(${from} - ${to}) * CAST(${perMs} AS DOUBLE PRECISION)`;
  // sql: columns and parameters of this file.
  return `CASE WHEN ${to} <= ${from} THEN 1.0 WHEN ${exponent} < ${EXPONENT_MIN} THEN 0.0 ELSE exp(${exponent}) END`;
}

/** A sum as it weighs after it has faded to a share. */
function faded(sum: string, to: string): string {
  // sql: a column and a share of this file.
  return `CASE WHEN ${sum} < ${SUM_MIN} THEN 0.0 ELSE ${sum} * ${to} END`;
}

/** Returns what adds rows with these sums to what has faded meanwhile, one of each id, in the order of ids. */
function adding<E>(rows: Table<E>, sums: readonly string[]) {
  const added = sums.map((column) => `${faded(`learning_evidence.${column}`, "share")} + excluded.${column}`);
  const width = rows.names.length;
  const statement = bySize((size) => {
    const places = Array.from({ length: size }, (_, at) => `(${placeholders(width, 1 + at * width)})`).join(", ");
    const left = share("learning_evidence.updated_at", "excluded.updated_at", `$${size * width + 1}`);
    // The share is worked out once for all sums: half the time of nine.
    // sql: columns of the table and numbers of parameters.
    return `INSERT INTO learning_evidence (${rows.columns}) VALUES ${places}
    ON CONFLICT (id) DO UPDATE SET (${sums.join(", ")}) = (SELECT ${added.join(", ")} FROM (SELECT ${left} AS share) AS faded),
      observations = learning_evidence.observations + excluded.observations,
      updated_at = CASE WHEN learning_evidence.updated_at > excluded.updated_at THEN learning_evidence.updated_at ELSE excluded.updated_at END`;
  });
  return function* add(observed: readonly E[], perMs: number): Tx<void> {
    yield* eachIn(observed, (chunk) => {
      const values: SqlValue[] = [];
      for (const row of chunk) rows.write(row, values);
      return [statement(chunk.length), [...values, perMs]];
    });
  };
}

/** Adds evidence of agents, before that of commands. */
export const addEvidence = adding(EVIDENCE, SUM_COLUMNS);
/** Adds evidence of the processes that run commands: a statement of its own, which every other completion would pay for. */
export const addCommandEvidence = adding(COMMAND_EVIDENCE, [...SUM_COLUMNS, ...CONSUMED_COLUMNS]);

// $1 is the instant, $2 how fast it fades.
const LEFT = share("updated_at", "CAST($1 AS BIGINT)", "$2");
const FADED_SUMS = SUM_COLUMNS.map((column) => `COALESCE(sum(${faded(column, LEFT)}), 0.0) AS ${column}`).join(", ");
const WEIGHED_SUMS = `${FADED_SUMS}, CAST(COALESCE(sum(observations), 0) AS BIGINT) AS observations`;

/** Returns the evidence of an agent, of a type, or of an agent at a type, summed up. */
export function* evidenceOf(
  { agent, type }: { agent?: string | undefined; type?: string | undefined },
  { now, perMs }: Fading,
): Tx<WeighedEvidence> {
  const given = [
    ["agent", agent],
    ["type", type],
  ].filter((pair): pair is [string, string] => pair[1] !== undefined);
  const where = given.map(([column], at) => `${column} = $${at + 3}`).join(" AND ");
  const found = yield* one(WEIGHED.read, [
    // sql: columns of the table and numbers of parameters.
    `SELECT ${WEIGHED_SUMS} FROM learning_evidence ${where && `WHERE ${where}`}`,
    [now, perMs, ...given.map(([, value]) => value)],
  ]);
  if (!found) throw new Error("a sum without its row");
  return found;
}

const OF_GROUP = columns({ group: named("of_group", text), ...SUMS, observations: int });

/** Returns the evidence of each of these agents at all types, or of these types with all agents; at most 200. */
export function* evidenceByGroup(
  by: "agent" | "type",
  names: readonly string[],
  { now, perMs }: Fading,
): Tx<Map<string, WeighedEvidence>> {
  if (names.length === 0) return new Map();
  const rows = yield* many(OF_GROUP.read, [
    // sql: a column of the table and placeholders.
    `SELECT ${by} AS of_group, ${WEIGHED_SUMS} FROM learning_evidence WHERE ${by} IN (${placeholders(names.length, 3)}) GROUP BY ${by}`,
    [now, perMs, ...names],
  ]);
  return new Map(rows.map(({ group, ...evidence }) => [group, evidence]));
}

const PAIR = columns({ id: text, agent: text, type: text, ...SUMS, observations: int, updatedAt: int });
/** Evidence of an agent at a type of task, as it weighs at an instant. */
export interface PairEvidence extends RowOf<typeof PAIR> {}

/** The sums of a row, as they weigh at `$1` where they fade by `$2`. */
export const WEIGHED_SUMS_OF_PAIR = SUM_COLUMNS.map((column) => `${faded(column, LEFT)} AS ${column}`).join(", ");

/** Returns evidence by its id, from behind one. */
export function* evidenceOfPairs(
  {
    agent,
    type,
    after,
    limit,
  }: { agent?: string | undefined; type?: string | undefined; after?: string | undefined; limit: number },
  { now, perMs }: Fading,
): Tx<PairEvidence[]> {
  const given = [
    ["agent =", agent],
    ["type =", type],
    ["id >", after],
  ].filter((pair): pair is [string, string] => pair[1] !== undefined);
  const where = given.map(([comparison], at) => `${comparison} $${at + 4}`).join(" AND ");
  return yield* many(PAIR.read, [
    // sql: columns of the table and numbers of parameters.
    `SELECT id, agent, type, ${WEIGHED_SUMS_OF_PAIR}, observations, updated_at FROM learning_evidence ${where && `WHERE ${where}`} ORDER BY id LIMIT $3`,
    [now, perMs, limit, ...given.map(([, value]) => value)],
  ]);
}

/** Returns the evidence of these ids, `AGENT/TYPE`, in no order. */
export function* evidenceWithIds(ids: readonly string[], { now, perMs }: Fading): Tx<PairEvidence[]> {
  return yield* manyIn(PAIR.read, ids, (chunk) => [
    // sql: columns of the table and placeholders.
    `SELECT id, agent, type, ${WEIGHED_SUMS_OF_PAIR}, observations, updated_at FROM learning_evidence WHERE id IN (${placeholders(chunk.length, 3)})`,
    [now, perMs, ...chunk],
  ]);
}

const CONSUMPTION = columns({ id: text, ...CONSUMED });
/** Memory and processor time of the commands of a type, as they weigh at an instant. */
export interface ConsumedSums extends RowOf<typeof CONSUMPTION> {}

const FADED_CONSUMPTION = CONSUMED_COLUMNS.map((column) => `${faded(column, LEFT)} AS ${column}`).join(", ");

/** Returns what commands have taken, by the id of their evidence. */
export function* consumedWithIds(ids: readonly string[], { now, perMs }: Fading): Tx<Map<string, ConsumedSums>> {
  const rows = yield* manyIn(CONSUMPTION.read, ids, (chunk) => [
    // sql: columns of the table and placeholders.
    `SELECT id, ${FADED_CONSUMPTION} FROM learning_evidence WHERE id IN (${placeholders(chunk.length, 3)})`,
    [now, perMs, ...chunk],
  ]);
  return new Map(rows.map((row) => [row.id, row]));
}

const TYPE_DURATIONS = columns({ type: text, durations: int, logSum: int });
/** The weight of the durations of a type of task with all agents, and the sum of their logarithms. */
export interface TypeDurations extends RowOf<typeof TYPE_DURATIONS> {}

/** Returns the durations of the types that have shown most, these first. Reads the table through. */
export function* durationsByType(limit: number, { now, perMs }: Fading): Tx<TypeDurations[]> {
  return yield* many(TYPE_DURATIONS.read, [
    // sql: columns of the table.
    `SELECT type, durations, log_sum FROM (
       SELECT type, sum(${faded("durations", LEFT)}) AS durations, sum(${faded("log_sum", LEFT)}) AS log_sum
       FROM learning_evidence GROUP BY type) AS by_type
     WHERE durations > 0 ORDER BY durations DESC, type LIMIT $3`,
    [now, perMs, limit],
  ]);
}

/** Whether there is evidence that was last added to before an instant. No index leads to it: a read finds it, and then a write removes it. */
export function* anyEvidenceBefore(instant: number): Tx<boolean> {
  return (yield ["SELECT 1 AS one FROM learning_evidence WHERE updated_at < $1 LIMIT 1", [instant]]).length > 0;
}

/** Removes evidence whose rows are locked. */
export function* deleteEvidence(ids: readonly string[]): Tx<void> {
  yield* eachIn(ids, (chunk) => [`DELETE FROM learning_evidence WHERE id IN (${placeholders(chunk.length)})`, chunk]);
}
