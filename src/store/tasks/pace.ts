import { int, json, manyIn, placeholders, text } from "../rows.js";
import { columns, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";

const RESOLVED = columns({ task: text, at: int });

/** When the last dependency of each of these tasks ended. Tasks that were tried before, or that have none, are left out. */
export function* lastDependencyEnds(tasks: readonly string[]): Tx<Map<string, number>> {
  const rows = yield* manyIn(RESOLVED.read, tasks, (chunk) => [
    `SELECT d.task, max(n.ended_at) AS at FROM dependencies d JOIN tasks n ON n.id = d.dependency JOIN tasks t ON t.id = d.task
     WHERE d.task IN (${placeholders(chunk.length)}) AND t.failures = 0 AND t.losses_total = 0 AND n.ended_at IS NOT NULL GROUP BY d.task`,
    chunk,
  ]);
  return new Map(rows.map(({ task, at }) => [task, at]));
}

const PACE = columns({ id: text, createdAt: int, endedAt: int, shape: json<{ readonly width: number }>, workMs: int });
/** The time that a run took, its width, and the time of all attempts in it. */
export interface RunPace extends RowOf<typeof PACE> {}

/** Returns those of these runs that have ended. */
export function* pacesOf(runs: readonly string[]): Tx<RunPace[]> {
  return yield* manyIn(PACE.read, runs, (chunk) => [
    `SELECT r.id, r.created_at, r.ended_at, r.shape, (SELECT CAST(COALESCE(sum(a.ended_at - a.started_at), 0) AS BIGINT)
       FROM tasks t JOIN attempts a ON a.task = t.id WHERE t.run = r.id) AS work_ms
     FROM runs r WHERE r.id IN (${placeholders(chunk.length)}) AND r.ended_at IS NOT NULL`,
    chunk,
  ]);
}
