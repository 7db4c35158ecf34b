import { int, text } from "../rows.js";
import { first, type Tx } from "../tx.js";

export interface Retention {
  readonly now: number;
  /** Retention of a project without its own. */
  readonly defaultMs: number;
  readonly limit: number;
}

/** Finished runs that have stayed as long as their project keeps them. One range of an index per project. */
export function* runsPastRetention({ now, defaultMs, limit }: Retention): Tx<{ id: string; project: string }[]> {
  const rows = yield [
    // Descendants of an open run stay with it, at any depth: their results and costs are that run's.
    `WITH RECURSIVE held (id) AS (
       SELECT c.id FROM runs w JOIN runs c ON c.parent_run = w.id WHERE w.ended_at IS NULL
       UNION SELECT r.id FROM runs r JOIN held h ON r.parent_run = h.id
     ) SELECT r.id, r.project FROM projects p JOIN runs r ON r.project = p.id
     WHERE r.ended_at IS NOT NULL AND r.ended_at < $1 - COALESCE(p.retention_ms, $2)
       AND r.id NOT IN (SELECT id FROM held) LIMIT $3`,
    [now, defaultMs, limit],
  ];
  return rows.map((row) => ({ id: text(row, "id"), project: text(row, "project") }));
}

/** How long the project of a run keeps what has ended, in ms. */
export function* retentionOfRun(run: string, defaultMs: number): Tx<number> {
  const row = yield* first([
    "SELECT COALESCE(p.retention_ms, $2) AS retention_ms FROM runs r JOIN projects p ON p.id = r.project WHERE r.id = $1",
    [run, defaultMs],
  ]);
  return row ? int(row, "retention_ms") : defaultMs;
}
