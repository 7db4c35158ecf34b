import { flag, int, intOrNull, many, manyIn, placeholders, text } from "../rows.js";
import { columns, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";
import { type Demand, DEMANDS } from "./lanes.js";

const HELD = columns({ agent: text, id: text, estimateMs: int, startedAt: intOrNull });
/** A task in the hands of an agent. */
export interface HeldWork extends RowOf<typeof HELD> {}

/** Tasks that agents hold, at most `limit`, in order of agents. */
export function* heldWork(limit: number): Tx<HeldWork[]> {
  return yield* many(HELD.read, [
    `SELECT ${HELD.columns} FROM tasks WHERE agent IS NOT NULL ORDER BY agent, id LIMIT $1`,
    [limit],
  ]);
}

const KEPT = columns({
  task: text,
  key: text,
  run: text,
  estimateMs: int,
  reservedUntil: intOrNull,
  /** Whether its last holder offers it to the agent that it is kept for. */
  offered: flag,
});
/** An unclaimed task that is kept for an agent: the one that its demand names. */
export interface KeptWork extends RowOf<typeof KEPT> {
  readonly demand: Demand;
}

/** Unclaimed tasks that are reserved, at most `limit`. The tick looks at each of them, so their index leads to them. */
export function* keptWork(limit: number): Tx<KeptWork[]> {
  return yield* many(
    (row) => ({ ...KEPT.read(row), demand: DEMANDS.read(row) }),
    [
      `SELECT ${DEMANDS.columnsOf("d")}, t.id AS task, t.key, t.run, t.estimate_ms, t.reserved_until,
         CASE WHEN EXISTS (SELECT 1 FROM handoffs h WHERE h.task = t.id AND h.status = 'requested') THEN 1 ELSE 0 END AS offered
       FROM tasks t JOIN demands d ON d.id = t.demand
       WHERE t.due_at IS NOT NULL AND t.agent IS NULL AND t.reserved_for IS NOT NULL ORDER BY t.id LIMIT $1`,
      [limit],
    ],
  );
}

const DONE = columns({ agent: text, ended: int, busyMs: int });
/** Attempts of an agent that ended in a time, and for how long it was at them within it. */
export interface DoneWork extends RowOf<typeof DONE> {}

/** Attempts of agents that ended since an instant, and their time. */
export function* doneWork(agents: readonly string[], since: number): Tx<DoneWork[]> {
  return yield* manyIn(DONE.read, agents, (chunk) => [
    `SELECT agent, count(*) AS ended, CAST(sum(ended_at - CASE WHEN started_at > $1 THEN started_at ELSE $1 END) AS BIGINT) AS busy_ms
     FROM attempts WHERE ended_at > $1 AND agent IN (${placeholders(chunk.length, 2)}) GROUP BY agent ORDER BY agent`,
    [since, ...chunk],
  ]);
}

const WANTED = columns({ ready: int, workMs: int, longestMs: int });
/** Ready tasks that ask the same of an agent. */
export interface WantedWork extends RowOf<typeof WANTED> {
  readonly demand: Demand;
}

/** Ready tasks of open runs that are for any agent, by what they ask of it, most work first; at most `limit` demands. */
export function* wantedWork(limit: number): Tx<WantedWork[]> {
  return yield* many(
    (row) => ({ ...WANTED.read(row), demand: DEMANDS.read(row) }),
    [
      `SELECT ${DEMANDS.columnsOf("d")}, w.ready, w.work_ms, w.longest_ms FROM (
         SELECT l.demand AS wanted, count(*) AS ready, CAST(sum(t.estimate_ms) AS BIGINT) AS work_ms, max(t.estimate_ms) AS longest_ms
         FROM lanes l JOIN demands a ON a.id = l.demand AND a.executor = 'agent' AND a.reserved_for IS NULL
         JOIN tasks t ON t.run = l.run AND t.demand = l.demand AND t.status = 'ready'
         WHERE l.open = 1 AND l.head IS NOT NULL GROUP BY l.demand ORDER BY work_ms DESC, l.demand LIMIT $1) w
       JOIN demands d ON d.id = w.wanted ORDER BY w.work_ms DESC, d.id`,
      [limit],
    ],
  );
}
