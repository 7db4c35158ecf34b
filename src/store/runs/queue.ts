import { idOf, int, many, only, sole } from "../rows.js";
import type { Tx } from "../tx.js";

/** Counts the runs under way that no other run has started. Paused ones are not, nor are those of ad-hoc tasks. */
export function runsUnderWay(): Tx<number> {
  return sole(only("n", int), [
    `SELECT count(*) AS n FROM runs WHERE ended_at IS NULL AND status IN ('planning', 'running', 'cancelling', 'compensating')
     AND kind = 'workflow' AND parent_run IS NULL`,
    [],
  ]);
}

/** Returns paused runs with a reason in the order in which they are to start: by priority, then the oldest. */
export function pausedFor(reason: string, limit: number): Tx<string[]> {
  return many(idOf, [
    "SELECT id FROM runs WHERE ended_at IS NULL AND status = 'paused' AND reason = $1 ORDER BY priority DESC, id LIMIT $2",
    [reason, limit],
  ]);
}
