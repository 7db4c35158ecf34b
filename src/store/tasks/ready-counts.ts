import { int, many, text } from "../rows.js";
import { columns } from "../tables.js";
import type { Tx } from "../tx.js";

const READY_MAX = 100;
const ATTEMPTS_LOOKED_AT = 20;

const READY = columns({ id: text, isOwn: int });

export interface ReadyCounts {
  /** At most `READY_MAX`. */
  readonly ready: number;
  /** Of runs in which the agent has worked lately. */
  readonly ofOwnRuns: number;
}

/** Counts the tasks of a project that an agent can claim: those that no lock holds up. */
export function* readyTasksOf(project: string, agent: string): Tx<ReadyCounts> {
  const found = yield* many(READY.read, [
    `SELECT t.id, CASE WHEN EXISTS (
         SELECT 1 FROM (SELECT task FROM attempts WHERE agent = $2 ORDER BY ended_at DESC LIMIT ${ATTEMPTS_LOOKED_AT}) a
         JOIN tasks w ON w.id = a.task WHERE w.run = t.run) THEN 1 ELSE 0 END AS is_own
     FROM lanes l JOIN demands d ON d.id = l.demand JOIN tasks t ON t.run = l.run AND t.demand = l.demand
     WHERE l.project = $1 AND l.open = 1 AND l.head IS NOT NULL AND d.executor = 'agent' AND t.status = 'ready'
     ORDER BY is_own DESC LIMIT ${READY_MAX}`,
    [project, agent],
  ]);
  return { ready: found.length, ofOwnRuns: found.filter(({ isOwn }) => isOwn === 1).length };
}
