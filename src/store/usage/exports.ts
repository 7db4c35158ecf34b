import { hit, int, intOrNull, json, many, manyIn, placeholders, text, textOrNull } from "../rows.js";
import { columns, insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

/** Amounts of a model's use: tokens, each counted in one of the four, and cost in millionths of a US dollar. */
export interface UsageAmounts {
  readonly input: number;
  readonly output: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly cost: number;
}

/** How far a time series has been read. */
export interface SeriesMark {
  /** Start and end of the newest point, in nanoseconds as text. */
  readonly start: string;
  readonly end: string;
  /** The newest value of a cumulative series. */
  readonly value: number;
}

/** The exports of one conversation and model. The same use is told by two signals: each is summed up for itself. */
export interface ExportLedger {
  readonly metrics: UsageAmounts;
  readonly events: UsageAmounts;
  readonly booked: UsageAmounts;
  readonly series: Readonly<Record<string, SeriesMark>>;
  /** Hashes of the newest events. */
  readonly seen: readonly string[];
}

export const USAGE_EXPORTS = table("usage_exports", {
  session: text,
  model: text,
  ledger: json<ExportLedger>,
  updatedAt: int,
});
export interface UsageExport extends RowOf<typeof USAGE_EXPORTS> {}

const MAKE = insertInto(USAGE_EXPORTS, "ON CONFLICT (session, model) DO NOTHING");

/** Makes the row of a conversation and model, unless it is there: it is locked afterwards. */
export function* makeUsageExport(made: UsageExport): Tx<void> {
  yield MAKE([made]);
}

export function* saveUsageExport({ session, model, ledger, updatedAt }: UsageExport): Tx<void> {
  yield [
    "UPDATE usage_exports SET ledger = $1, updated_at = $2 WHERE session = $3 AND model = $4",
    [JSON.stringify(ledger), updatedAt, session, model],
  ];
}

const OLD = columns({ session: text, model: text });
/** The next pass removes what is left. */
const OLD_MAX = 200;

/** Removes ledgers of conversations that have exported nothing since an instant, in the order in which exports lock them. */
export function* deleteOldExports(before: number): Tx<void> {
  const old = yield* many(OLD.read, [
    `SELECT session, model FROM usage_exports WHERE updated_at < $1 ORDER BY session, model LIMIT ${OLD_MAX}`,
    [before],
  ]);
  for (const { session, model } of old)
    yield ["DELETE FROM usage_exports WHERE session = $1 AND model = $2 AND updated_at < $3", [session, model, before]];
}

const WORK = columns({
  task: text,
  run: text,
  project: text,
  role: textOrNull,
  attempt: int,
  agent: text,
  startedAt: int,
  endedAt: intOrNull,
});
/** An attempt of an agent; one that goes on has no end. */
export interface AgentWork extends RowOf<typeof WORK> {}

const OPEN_MAX = 200;
const ENDED_MAX = 50;

/** The open attempts of agents, and the newest ended ones of each. */
export function* worksOf(agents: readonly string[]): Tx<AgentWork[]> {
  const open = yield* manyIn(WORK.read, agents, (chunk) => [
    // sql: placeholders alone
    `SELECT id AS task, run, project, role, attempt, agent, started_at, NULL AS ended_at FROM tasks
     WHERE agent IN (${placeholders(chunk.length)}) AND started_at IS NOT NULL ORDER BY id LIMIT ${OPEN_MAX}`,
    chunk,
  ]);
  const ended: AgentWork[] = [];
  for (const agent of agents)
    ended.push(
      ...(yield* many(WORK.read, [
        `SELECT a.task, t.run, t.project, t.role, a.number AS attempt, a.agent, a.started_at, a.ended_at
         FROM attempts a JOIN tasks t ON t.id = a.task WHERE a.agent = $1 ORDER BY a.ended_at DESC LIMIT ${ENDED_MAX}`,
        [agent],
      ])),
    );
  return [...open, ...ended];
}

/** An attempt whose usage is asked for. */
type AttemptKey = Pick<AgentWork, "run" | "task" | "attempt">;

const OF_ATTEMPT = "SELECT id FROM usage_records WHERE run = $1 AND task = $2 AND attempt = $3 AND exported";

/** Whether the agent itself has reported the usage of an attempt. */
export function* isReported({ run, task, attempt }: AttemptKey): Tx<boolean> {
  return yield* hit([`${OF_ATTEMPT} = 0 LIMIT 1`, [run, task, attempt]]);
}

/** Whether its client has exported the usage of an attempt. */
export function* isExported({ run, task, attempt }: AttemptKey): Tx<boolean> {
  return yield* hit([`${OF_ATTEMPT} = 1 LIMIT 1`, [run, task, attempt]]);
}
